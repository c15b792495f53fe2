-- Who ordered in this store, by phone as it was typed, newest first. Customers themselves belong to no store.
SELECT o.customer_phone AS phone,
       (array_agg(o.customer_name ORDER BY o.created_at DESC))[1] AS customer_name,
       max(o.created_at) AS last_at,
       now() AS at
  FROM public.orders o
 WHERE o.store_id = %(store_id)s AND o.status <> 'cancelled' AND coalesce(o.customer_phone, '') <> ''
 GROUP BY o.customer_phone
 ORDER BY max(o.created_at) DESC, o.customer_phone
 LIMIT %(limit)s
