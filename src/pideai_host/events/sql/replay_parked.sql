-- Look on at what a replay that is over had parked, a bounded number, and let go of what is settled by now. Returns what became
-- of it, and of the rest how much was looked at; with each the last id of it.
with page as materialized (
  select w.id, w.created_at
  from pideai_host.replay_watch w
  where w.replay_id = %(id)s and w.is_parked and w.id > %(after)s
  order by w.id
  limit %(limit)s
),
seen as materialized (
  select k.id, k.created_at, case when d.id is null then 'gone' when d.status <> 'pending' then d.status end as result
  from page k
  left join public.plugin_events_log d on d.id = k.id and d.created_at = k.created_at
),
let_go as (
  delete from pideai_host.replay_watch w
  using seen s
  where w.replay_id = %(id)s and w.id = s.id and w.created_at = s.created_at and s.result is not null
)
select result, count(*)::integer, (array_agg(id order by id desc))[1] from seen group by result
