-- A backlog as intake leaves it: the events, deliveries and messages of what is staged in `fresh`.
with known as (
  insert into pideai_host.event_ids (id) select event_id from fresh
),
kept as (
  insert into public.plugin_events (id, store_id, type, payload, occurred_at, source, entity_id, completed_at)
  select event_id, store_id, 'order.created', %(payload)s::jsonb || jsonb_build_object('orderId', order_id), now(),
         'webhook', order_id::text, case when %(complete)s then now() end
  from fresh
),
load as (
  select 'pideai_' || replace(p.slug, '-', '_') || case when f.bulk then '__bulk' else '' end as lane,
         array_agg(jsonb_build_object('d', f.id, 'at', now()) order by f.id) as messages,
         array_agg(f.id order by f.id) as ids
  from fresh f
  join public.store_plugins sp on sp.id = f.installation_id
  join public.plugins p on p.id = sp.plugin_id
  group by 1
),
message as (
  select l.lane, l.ids[s.k] as id, s.msg_id
  from load l cross join lateral pgmq.send_batch(l.lane, l.messages) with ordinality as s (msg_id, k)
)
insert into public.plugin_events_log
  (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, msg_id)
select f.id, f.store_id, sp.plugin_id, 'order.created', sp.id, f.event_id, now(), m.lane, m.msg_id
from fresh f
join message m on m.id = f.id
join public.store_plugins sp on sp.id = f.installation_id
