select pideai_host.order_begin(
  %(installations)s::uuid[], %(entities)s::text[], %(places)s::bigint[], %(deliveries)s::uuid[], %(called)s::boolean[])
