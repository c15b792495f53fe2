-- Write lines of the audit trail, in the order of what is told.
insert into pideai_host.audit (store_id, actor, user_id, actor_name, request_id, address, action, plugin, subject, detail)
select %(store_id)s, %(actor)s, %(user_id)s, %(actor_name)s, %(request_id)s, %(address)s::inet,
       line ->> 'action', line ->> 'plugin', line ->> 'subject', line -> 'detail'
from jsonb_array_elements(%(lines)s::jsonb) with ordinality as told (line, place)
order by place
