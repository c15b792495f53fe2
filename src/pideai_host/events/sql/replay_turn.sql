-- Take a replay in hand, if nobody else has: it stays ours to the end of the transaction. `room` is how many deliveries its
-- rate has left, of those that were not used none but the last two seconds'; one that is over has none.
select r.store_id, r.requested_by, r.plugin, r.event_types, r.statuses, r.only_untaken, r.since, r.until, r.per_s,
       r.at_store, r.at_time, r.at_id, r.is_read, r.skipped, r.results, r.parked_after,
       r.status = 'running' as is_running,
       floor(extract(epoch from now() - greatest(r.paced_at, now() - interval '2 seconds')) * r.per_s)::integer as room
from pideai_host.replays r
where r.id = %(id)s and (r.status = 'running' or r.is_followed)
for no key update skip locked
