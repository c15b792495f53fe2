-- Replay deliveries: what was not delivered goes again as it is, what was delivered (or sent) as a copy that names it.
-- One statement, so a crash leaves nothing half done.
--
-- A copy has the id that the host made of the delivery and the replay, and lies where its original does (same
-- created_at), so the primary key itself keeps a repeated replay from making a second one. The installations are locked
-- first, as a change of them does: whoever disables or uninstalls one either came before and is seen here, or comes after
-- and sees what is written here. Which partitions are looked into is said from outside, never by a row: ADR
-- 0047.
with picked as materialized (
  select * from json_to_recordset(%(picked)s::json) as k (id uuid, created_at timestamptz, copy_id uuid)
),
installed as materialized (
  select sp.id, sp.enabled, 'pideai_' || replace(p.slug, '-', '_') || '__bulk' as lane
  from public.store_plugins sp
  join public.plugins p on p.id = sp.plugin_id
  where sp.id = any (array(
    select d.installation_id
    from picked k
    join public.plugin_events_log d
      on d.id = k.id and d.created_at is not distinct from k.created_at and d.id = any (array(select id from picked))
      and d.created_at between %(first_at)s::timestamptz and %(last_at)s::timestamptz))
  order by sp.id
  for share of sp
),
met as materialized (
  select d.id, d.created_at, k.copy_id, d.status, d.attempts, d.history, d.store_id, d.plugin_id, d.event_type,
         d.installation_id, d.event_id, d.event_created_at
  from picked k
  join public.plugin_events_log d
    on d.id = k.id and d.created_at is not distinct from k.created_at and d.id = any (array(select id from picked))
    and d.created_at between %(first_at)s::timestamptz and %(last_at)s::timestamptz
  where (select count(*) from installed) >= 0
  order by d.id
  for no key update of d
),
judged as materialized (
  select m.*, i.lane, i.enabled, case when a.is_copied then m.copy_id else m.id end as target_id,
         case
           when o.went_again or o.has_copy then 'repeated'
           when m.status = 'pending' then 'pending'
           when i.id is null then 'uninstalled'
           when not exists (select from pgmq.meta q where q.queue_name = i.lane) then 'no_lane'
           when a.is_copied then 'copied'
           when jsonb_array_length(m.history) >= %(history_max)s then 'too_often'
           else 'again'
         end as verdict
  from met m
  left join installed i on i.id = m.installation_id
  cross join lateral (
    select m.history @> jsonb_build_array(jsonb_build_object('replay', %(replay_id)s::text)) as went_again,
           exists (
             select from public.plugin_events_log c
             where c.id = m.copy_id and c.created_at is not distinct from m.created_at
               and c.created_at between %(first_at)s::timestamptz and %(last_at)s::timestamptz) as has_copy
  ) as o
  cross join lateral (
    select o.has_copy or (m.status in ('sent', 'delivered') and not o.went_again) as is_copied
  ) as a
),
load as (
  select lane,
         array_agg(jsonb_build_object('d', target_id, 'at', created_at) order by target_id) as messages,
         array_agg(target_id order by target_id) as ids
  from judged
  where verdict in ('again', 'copied') and enabled
  group by lane
),
message as materialized (
  select l.ids[s.k] as id, s.msg_id
  from load l
  cross join lateral pgmq.send_batch(l.lane, l.messages) with ordinality as s (msg_id, k)
),
noted as materialized (
  select j.*, m.msg_id, case when not j.enabled then 'disabled' end as park_reason,
         jsonb_strip_nulls(jsonb_build_object(
           'outcome', 'replayed', 'at', now(), 'by', %(by)s::text, 'replay', %(replay_id)s::text,
           'trace', %(trace)s::text, 'from', j.status, 'attempts', j.attempts,
           'copy_of', case when j.verdict = 'copied' then j.id end)) as entry
  from judged j
  left join message m on m.id = j.target_id
  where j.verdict in ('again', 'copied')
),
again as (
  update public.plugin_events_log d
  set status = 'pending', attempts = 0, response_code = null, response_body = null, error_message = null, data = null,
      processed_at = null, waiting_since = null, next_attempt_at = null, lane = n.lane, msg_id = n.msg_id,
      park_reason = n.park_reason, place = null, replayed_at = now(), history = d.history || n.entry, receipt = null,
      changed_xid = pg_current_xact_id(), late_xid = pideai_host.late_change(d.created_at)
  from noted n
  where n.verdict = 'again' and d.id = n.id and d.created_at is not distinct from n.created_at
    and d.id = any (array(select id from picked))
    and d.created_at between %(first_at)s::timestamptz and %(last_at)s::timestamptz
),
copied as (
  insert into public.plugin_events_log
    (id, created_at, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, msg_id,
     park_reason, replay_of, replayed_at, history, late_xid)
  select n.copy_id, n.created_at, n.store_id, n.plugin_id, n.event_type, n.installation_id, n.event_id,
         n.event_created_at, n.lane, n.msg_id, n.park_reason, n.id, now(), jsonb_build_array(n.entry),
         pideai_host.late_change(n.created_at)
  from noted n
  where n.verdict = 'copied'
  on conflict do nothing
)
select j.id, j.created_at, j.verdict, j.target_id, case when m.msg_id is not null then j.lane end as lane
from judged j
left join message m on m.id = j.target_id and j.verdict in ('again', 'copied')
