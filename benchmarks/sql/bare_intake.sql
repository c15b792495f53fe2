-- Event, delivery and message for all requests that waited: one statement, one commit.
with kept as (
  insert into events (id, store_id, type, payload)
  select id, store_id, type, payload
  from json_to_recordset(%(rows)s::json) as r (id uuid, store_id uuid, type text, payload jsonb)
  returning id
),
logged as (
  insert into deliveries (event_id) select id from kept returning id, event_id
)
select from pgmq.send_batch(
  'webhooks', (select array_agg(jsonb_build_object('delivery', id, 'event', event_id)) from logged))
