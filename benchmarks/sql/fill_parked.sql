-- What is staged in `fresh`, parked: the messages are gone, the rows wait for an instant or for somebody.
with dated as materialized (
  select f.*, now() - interval '2 days' * random() as at from fresh f
),
known as (
  insert into pideai_host.event_ids (id, created_at) select event_id, at from dated
),
kept as (
  insert into public.plugin_events
    (id, created_at, store_id, type, payload, occurred_at, source, entity_id, completed_at)
  select event_id, at, store_id, 'order.created', %(payload)s::jsonb || jsonb_build_object('orderId', order_id), at,
         'webhook', order_id::text, at
  from dated
)
insert into public.plugin_events_log
  (id, created_at, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane,
   attempts, park_reason, next_attempt_at)
select d.id, d.at, d.store_id, sp.plugin_id, 'order.created', sp.id, d.event_id, d.at, 'pideai_webhook_bridge',
       case when %(reason)s = 'retry' then 1 else 0 end, %(reason)s,
       case when %(reason)s = 'retry' then now() + interval '6 hours' + random() * interval '6 hours' end
from dated d
join public.store_plugins sp on sp.id = d.installation_id
