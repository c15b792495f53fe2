-- How a store writes its whole orders, and the rate of the day: the store's own number if it wants that, else the newest
-- rate of its own, else the newest of all.
SELECT s.order_product_template AS product,
       s.order_message_template_delivery AS delivery,
       s.order_message_template_pickup AS pickup,
       s.order_message_template_digital_menu AS digital_menu,
       CASE
           WHEN s.enable_currency_conversion IS NOT TRUE THEN NULL
           WHEN s.use_manual_exchange_rate IS TRUE THEN s.manual_usd_ves_rate
           ELSE (SELECT r.rate
                   FROM public.exchange_rates r
                  WHERE r.from_currency = 'USD' AND r.to_currency = 'VES'
                    AND (r.store_id = s.id OR r.store_id IS NULL)
                  ORDER BY r.store_id IS NULL, r.last_updated DESC NULLS LAST
                  LIMIT 1)
       END AS rate,
       (SELECT to_jsonb(o) ->> 'payment_proof_short_url'
          FROM public.orders o
         WHERE o.id = %(order_id)s AND o.store_id = s.id) AS proof_url
  FROM public.stores s
 WHERE s.id = %(store_id)s
