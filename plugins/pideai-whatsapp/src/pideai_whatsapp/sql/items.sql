-- An order's items with their extras, for events that do not bring them. Prices travel as text: JSON would make them
-- floats. The panel's own orders have extras in their table only, the storefront's also in a column that may be absent.
SELECT i.item_name AS name,
       i.quantity,
       i.price_at_time::text AS unit_price,
       coalesce(
           (SELECT jsonb_agg(jsonb_build_object('name', e.extra_name, 'price', e.extra_price::text)
                             ORDER BY e.created_at, e.id)
              FROM public.order_item_extras e
             WHERE e.order_item_id = i.id),
           to_jsonb(i) -> 'extras'
       )::text AS extras
  FROM public.order_items i
  JOIN public.orders o ON o.id = i.order_id
 WHERE o.id = %(order_id)s AND o.store_id = %(store_id)s
 ORDER BY i.created_at, i.id
 LIMIT 500
