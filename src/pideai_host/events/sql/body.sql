-- One body that was not understood. {lock}
select id, received_at, door, reason, detail, octet_length(body) as size_bytes, body,
       received_at > now() - make_interval(days => %(days)s) as is_young
from pideai_host.quarantine
where id = %(id)s
{lock}
