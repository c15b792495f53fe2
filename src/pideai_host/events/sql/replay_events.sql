-- Make the deliveries of kept events for installations that have none. Each has the id that intake would have given it
-- and lies where intake would have put it (the event's created_at), so the primary key keeps it from being made twice. Of
-- two that make it at once the later one's message carries nothing: its delivery names the other's. Which partitions are
-- looked into is said from outside, never by a row: ADR 0047.
with candidate as materialized (
  select *
  from json_to_recordset(%(candidates)s::json) as c (
    id uuid, event_id uuid, event_created_at timestamptz, installation_id uuid)
),
installed as materialized (
  select sp.id, sp.store_id, sp.plugin_id, p.required_events, 'pideai_' || replace(p.slug, '-', '_') || '__bulk' as lane
  from public.store_plugins sp
  join public.plugins p on p.id = sp.plugin_id and p.is_active
  where sp.enabled and sp.id = any (array(select installation_id from candidate))
  order by sp.id
  for share of sp
),
missing as materialized (
  select c.id, e.id as event_id, e.created_at, e.store_id, e.type, i.id as installation_id, i.plugin_id, i.lane
  from candidate c
  join public.plugin_events e
    on e.id = c.event_id and e.created_at is not distinct from c.event_created_at
    and e.id = any (array(select event_id from candidate))
    and e.created_at between %(first_at)s::timestamptz and %(last_at)s::timestamptz
  join installed i on i.id = c.installation_id and i.store_id = e.store_id and e.type = any (i.required_events)
  where exists (select from pgmq.meta q where q.queue_name = i.lane)
    and not exists (
      select from public.plugin_events_log d
      where d.id = c.id and d.created_at is not distinct from e.created_at
        and d.id = any (array(select id from candidate))
        and d.created_at between %(first_at)s::timestamptz and %(last_at)s::timestamptz)
),
load as (
  select lane,
         array_agg(jsonb_build_object('d', id, 'at', created_at) order by id) as messages,
         array_agg(id order by id) as ids
  from missing
  group by lane
),
message as materialized (
  select l.ids[s.k] as id, s.msg_id
  from load l
  cross join lateral pgmq.send_batch(l.lane, l.messages) with ordinality as s (msg_id, k)
),
made as (
  insert into public.plugin_events_log
    (id, created_at, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, msg_id,
     replayed_at, history, late_xid)
  select m.id, m.created_at, m.store_id, m.plugin_id, m.type, m.installation_id, m.event_id, m.created_at, m.lane, s.msg_id,
         now(),
         jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
           'outcome', 'replayed', 'at', now(), 'by', %(by)s::text, 'replay', %(replay_id)s::text, 'from', 'untaken',
           'trace', %(trace)s::text))),
         pideai_host.late_change(m.created_at)
  from missing m
  join message s on s.id = m.id
  on conflict do nothing
  returning id
)
select m.id, m.event_id, m.created_at, m.lane
from missing m
join made on made.id = m.id
