with kept as (
  insert into events (id, store_id, type, payload)
  select gen_random_uuid(), %(store_id)s, 'order.created', %(payload)s::jsonb from generate_series(1, %(count)s)
  returning id
),
logged as (
  insert into deliveries (event_id) select id from kept returning id, event_id
)
select from pgmq.send_batch(
  'webhooks', (select array_agg(jsonb_build_object('delivery', id, 'event', event_id)) from logged))
