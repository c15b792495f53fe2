insert into public.order_status_history (order_id, store_id, from_status, to_status, changed_at)
select o.id, o.store_id, 'pending', 'confirmed', o.created_at
from fresh f join public.orders o on o.id = f.order_id
