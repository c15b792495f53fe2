-- A page of the audit trail, the newest first. {which}
select id, at, store_id, actor, user_id, actor_name, request_id, host(address) as address, action, plugin, subject, detail
from pideai_host.audit
where {which} and id < coalesce(%(before)s::bigint, 9223372036854775807)
order by id desc
limit %(limit)s
