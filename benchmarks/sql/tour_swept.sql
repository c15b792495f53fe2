select (select count(*) from fresh f where not exists (
          select from public.plugin_events e where e.entity_id = f.order_id::text and e.type = 'order.created')) = 0
   and (select count(*) from fresh f where not exists (
          select from public.plugin_events e where e.entity_id = f.order_id::text and e.type = 'order.status_changed')) = 0
   and exists (select from public.plugin_events where type = 'cart.abandoned')
