-- What is staged in `fresh` as it stands some time later: of twenty, nineteen delivered, the others failed or expired.
with dated as materialized (
  select f.*, now() - interval '1 minute' - make_interval(weeks => %(weeks)s) * (1 - (f.n + %(start)s) / %(total)s::float8) as at,
         case when f.n %% 20 > 0 then 'delivered' when f.n %% 40 = 0 then 'failed' else 'expired' end as status
  from fresh f
),
known as (
  insert into pideai_host.event_ids (id, created_at)
  select event_id, now() - interval '13 days' * (1 - (n + %(start)s) / %(total)s::float8) from dated
),
kept as (
  insert into public.plugin_events
    (id, created_at, store_id, type, payload, occurred_at, source, entity_id, completed_at)
  select event_id, at, store_id, 'order.created', %(payload)s::jsonb || jsonb_build_object('orderId', order_id), at,
         'webhook', order_id::text, at + interval '1 second'
  from dated
)
insert into public.plugin_events_log
  (id, created_at, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane,
   status, attempts, response_code, processed_at, history)
select d.id, d.at, d.store_id, sp.plugin_id, 'order.created', sp.id, d.event_id, d.at, 'pideai_webhook_bridge',
       d.status, 1, 200, d.at + interval '2 seconds',
       jsonb_build_array(jsonb_build_object(
         'attempt', 1, 'at', d.at, 'outcome', d.status, 'duration_ms', 12, 'code', 200, 'worker', 'host:1'))
from dated d
join public.store_plugins sp on sp.id = d.installation_id
