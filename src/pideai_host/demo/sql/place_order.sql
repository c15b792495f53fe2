-- A customer and their order, as the storefront inserts them; returns the body of the webhook for the INSERT.
with customer as (
  insert into public.customers (name, email, phone, country)
  values ('Ana Pérez', 'ana.' || left(%(order_id)s::text, 8) || '@example.com', '0414-123.45.67', 'venezuela')
  returning id, name, email, phone
),
placed as (
  insert into public.orders (
    id, store_id, customer_id, customer_name, customer_email, customer_phone, order_type, total_amount, delivery_price,
    delivery_address, payment_method, notes)
  select %(order_id)s, %(store_id)s, c.id, c.name, c.email, c.phone, 'delivery', %(total)s, %(delivery)s,
         'Calle Madrid, Edif. Aída, piso 3, Las Mercedes', 'Pago Móvil', 'Sin cebolla, por favor'
  from customer c
  returning *
)
select jsonb_build_object(
  'type', 'INSERT', 'table', 'orders', 'schema', 'public', 'record', to_jsonb(placed), 'old_record', null)::text
from placed
