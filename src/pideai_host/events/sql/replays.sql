-- Replays as their readers see them; {which} is a condition.
select r.id, r.store_id, r.requested_by, r.plugin, r.event_types, r.statuses, r.only_untaken, r.since, r.until, r.per_s,
       r.total, r.total_is_exact, r.status, r.done, r.replayed, r.skipped, r.results, r.error, r.created_at, r.finished_at,
       (select count(*) from pideai_host.replay_watch w where w.replay_id = r.id and not w.is_parked) as unsettled
from pideai_host.replays r
where {which}
order by r.created_at desc, r.id desc
limit %(limit)s
