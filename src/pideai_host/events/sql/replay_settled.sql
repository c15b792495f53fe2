-- Let go of what is settled, and set apart what waits for its installation (disabled, or its breaker open): that is in no
-- lane and may stay for days. Returns what became of it, and of the rest how much there is and whether any of it waits for
-- its moment under a rate.
with seen as materialized (
  select w.id, w.created_at,
         case
           when d.id is null then 'gone'
           when d.status <> 'pending' then d.status
           when d.msg_id is null and d.park_reason in ('disabled', 'breaker') then 'parked'
         end as result,
         d.msg_id is null and d.park_reason = 'rate' as is_over_rate
  from pideai_host.replay_watch w
  left join public.plugin_events_log d on d.id = w.id and d.created_at = w.created_at
  where w.replay_id = %(id)s and not w.is_parked
),
let_go as (
  delete from pideai_host.replay_watch w
  using seen s
  where w.replay_id = %(id)s and w.id = s.id and w.created_at = s.created_at and s.result <> 'parked'
),
set_apart as (
  update pideai_host.replay_watch w
  set is_parked = true
  from seen s
  where w.replay_id = %(id)s and w.id = s.id and w.created_at = s.created_at and s.result = 'parked'
)
select result, count(*)::integer, coalesce(bool_or(is_over_rate), false) from seen group by result
