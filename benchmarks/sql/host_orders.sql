-- The orders behind what is staged in `fresh`, with three items each that add up to their totals.
with placed as (
  insert into public.orders
    (id, store_id, customer_name, customer_email, customer_phone, order_type, total_amount, delivery_price)
  select order_id, store_id, 'María', 'maria@example.com', '04125550134', 'delivery', %(total)s, %(delivery)s
  from fresh
  returning id, store_id
)
insert into public.order_items (order_id, menu_item_id, item_name, quantity, price_at_time)
select p.id, m.id, i.name, i.quantity, i.price
from placed p
cross join json_to_recordset(%(items)s::json) as i (name text, quantity integer, price numeric)
join (select distinct on (store_id) store_id, id from public.menu_items order by store_id, id) m on m.store_id = p.store_id
