-- Make due what closed breakers parked, so many of each at a time, oldest first: what has just recovered is not flooded.
-- A breaker that has rested is forgotten. Which are closed was found, and locked, by a statement before (breakers_closed.sql,
-- ADR 0047).
with closed as materialized (
  select installation_id from unnest(%(ids)s::uuid[]) as c (installation_id)
),
due as (
  update public.plugin_events_log d
  set next_attempt_at = now()
  from (
    select p.id, p.created_at
    from closed
    cross join lateral (
      select l.id, l.created_at
      from public.plugin_events_log l
      where l.installation_id = closed.installation_id and l.park_reason = 'breaker' and l.next_attempt_at is null
      order by l.created_at
      limit %(of_each)s) as p) as parked
  where d.id = parked.id and d.created_at = parked.created_at
    and d.park_reason = 'breaker' and d.next_attempt_at is null
  returning d.installation_id
),
forgotten as (
  delete from pideai_host.breakers where phase = 'closed' and is_drained and until <= now()
)
update pideai_host.breakers b
set is_drained = true
from closed
where b.installation_id = closed.installation_id
  and (select count(*) from due where due.installation_id = closed.installation_id) < %(of_each)s
