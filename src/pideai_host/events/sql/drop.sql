-- Delete messages that no delivery stands behind any more, if they are still ours. {queue} is the lane's table.
delete from {queue} q
using unnest(%(msg_ids)s::bigint[], %(read_cts)s::integer[]) as r (msg_id, read_ct)
where q.msg_id = r.msg_id and q.read_ct = r.read_ct
