-- Lengthen the leases of messages that are still ours. What somebody is just settling is passed over instead of waited for,
-- so that no order of locks can end in a deadlock. {queue} is the lane's table.
with held as materialized (
  select q.msg_id
  from {queue} q
  join unnest(%(msg_ids)s::bigint[], %(read_cts)s::integer[]) as r (msg_id, read_ct)
    on q.msg_id = r.msg_id and q.read_ct = r.read_ct
  for update of q skip locked
)
update {queue} q
set vt = clock_timestamp() + %(lease_s)s * interval '1 second'
from held
where q.msg_id = held.msg_id
returning q.msg_id
