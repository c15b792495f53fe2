-- A page of what was not understood, newest first, without the bodies.
select id, received_at, door, reason, detail, octet_length(body) as size_bytes
from pideai_host.quarantine
where (received_at, id) < (%(before_at)s, %(before_id)s) and (%(reason)s::text is null or reason = %(reason)s)
order by received_at desc, id desc
limit %(limit)s
