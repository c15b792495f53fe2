-- The items and extras of some orders as they stand now, and what they have to add up to. Extras come as JSON in
-- order_items.extras (the storefront; production only, hence to_jsonb) or as rows (the panel). Items of one request share
-- created_at; their place in the table then tells the order in which the customer chose them.
select o.id, o.total_amount, coalesce(o.delivery_price, 0), coalesce(o.coupon_discount, 0),
       coalesce(
         (select jsonb_agg(
            jsonb_build_object(
              'itemId', i.id, 'menuItemId', i.menu_item_id, 'name', i.item_name, 'quantity', i.quantity,
              'unitPrice', i.price_at_time, 'extras', to_jsonb(i) -> 'extras',
              'extraRows',
              (select jsonb_agg(jsonb_build_object('name', x.extra_name, 'price', x.extra_price) order by x.created_at, x.ctid)
               from public.order_item_extras x where x.order_item_id = i.id))
            order by i.created_at, i.ctid)
          from public.order_items i where i.order_id = o.id),
         '[]')::text as items
from public.orders o
where o.id = any (%(orders)s)
