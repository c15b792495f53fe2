with kept as (
  insert into event (id, store_id, type, payload)
  select gen_random_uuid(), gen_random_uuid(), 'order.created', %(payload)s::jsonb from generate_series(1, %(count)s)
  returning id
)
insert into delivery (event_id, plugin) select id, 'bridge' from kept
