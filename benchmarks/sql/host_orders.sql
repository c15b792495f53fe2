-- The orders behind what is staged in `fresh`, with three items each that add up to their totals.
with dated as materialized (
  select f.*, now() - (%(older_s)s + %(over_s)s * (1 - f.n / c.total::float8)) * interval '1 second' as at
  from fresh f, (select count(*) as total from fresh) as c
),
placed as (
  insert into public.orders
    (id, store_id, customer_name, customer_email, customer_phone, order_type, total_amount, delivery_price,
     created_at, updated_at)
  select order_id, store_id, 'María', 'maria@example.com', '04125550134', 'delivery', %(total)s, %(delivery)s, at, at
  from dated
  returning id, store_id, created_at
)
insert into public.order_items (order_id, menu_item_id, item_name, quantity, price_at_time, created_at)
select p.id, m.id, i.name, i.quantity, i.price, p.created_at
from placed p
cross join json_to_recordset(%(items)s::json) as i (name text, quantity integer, price numeric)
join (select distinct on (store_id) store_id, id from public.menu_items order by store_id, id) m on m.store_id = p.store_id
