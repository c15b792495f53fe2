-- Left behind some minutes before the order: given up half an hour later.
insert into public.abandoned_carts (store_id, customer_name, customer_phone, cart_data, cart_total, created_at, expires_at)
select o.store_id, o.customer_name, o.customer_phone, '[]', o.total_amount,
       o.created_at - interval '34 minutes', o.created_at + interval '7 days'
from fresh f join public.orders o on o.id = f.order_id
