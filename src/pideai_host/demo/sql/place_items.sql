-- The order's items, a request later; extras as rows, as the panel writes them.
with basket as materialized (
  select gen_random_uuid() as id, i.*, m.id as menu_item_id
  from json_to_recordset(%(items)s::json) as i (name text, quantity integer, price numeric, extras json)
  join public.menu_items m on m.store_id = %(store_id)s and m.name = i.name
),
item as (
  insert into public.order_items (id, order_id, menu_item_id, item_name, quantity, price_at_time)
  select id, %(order_id)s, menu_item_id, name, quantity, price from basket
)
insert into public.order_item_extras (order_item_id, extra_name, extra_price)
select b.id, x.name, x.price
from basket b cross join lateral json_to_recordset(b.extras) as x (name text, price numeric)
