select pideai_host.order_leave(%(installations)s::uuid[], %(entities)s::text[], %(deliveries)s::uuid[])
