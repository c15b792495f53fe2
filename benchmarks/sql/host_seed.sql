-- A backlog as intake leaves it: events, deliveries and messages of one installation, the ids made by the host.
with fresh as materialized (
  select *
  from json_to_recordset(%(fresh)s::json) as f (order_id uuid, event_id uuid, id uuid)
),
known as (
  insert into pideai_host.event_ids (id) select event_id from fresh
),
kept as (
  insert into public.plugin_events (id, store_id, type, payload, occurred_at, source, entity_id, completed_at)
  select event_id, %(store_id)s, 'order.created', %(payload)s::jsonb || jsonb_build_object('orderId', order_id), now(),
         'webhook', order_id::text, case when %(complete)s then now() end
  from fresh
),
load as (
  select array_agg(jsonb_build_object('d', id, 'at', now()) order by id) as messages, array_agg(id order by id) as ids
  from fresh
),
message as (
  select l.ids[s.k] as id, s.msg_id
  from load l cross join lateral pgmq.send_batch(%(lane)s, l.messages) with ordinality as s (msg_id, k)
)
insert into public.plugin_events_log
  (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, msg_id)
select f.id, %(store_id)s, sp.plugin_id, 'order.created', sp.id, f.event_id, now(), %(lane)s, m.msg_id
from fresh f join message m on m.id = f.id
join public.store_plugins sp on sp.id = %(installation_id)s
