-- An order of this store, as its events tell it; columns that production may lack are read through to_jsonb.
SELECT o.id,
       o.status,
       o.customer_name,
       o.customer_phone,
       coalesce(o.order_type, 'delivery') AS order_type,
       o.total_amount,
       o.delivery_address,
       coalesce(o.delivery_price, 0) AS delivery_price,
       o.coupon_code,
       coalesce(o.coupon_discount, 0) AS coupon_discount,
       o.payment_method,
       coalesce(to_jsonb(o) ->> 'payment_proof_short_url', o.payment_proof_url) AS payment_proof_url,
       o.tracking_code,
       o.estimated_delivery_minutes,
       o.notes,
       s.currency
  FROM public.orders o
  JOIN public.stores s ON s.id = o.store_id
 WHERE o.id = %(order_id)s AND o.store_id = %(store_id)s
