-- Whether a cart is still to be reminded of, and whether its customer ordered since: the last nine digits of a phone are
-- the same however it was typed.
SELECT c.recovered IS NOT TRUE AND c.reminder_sent IS NOT TRUE
         AND coalesce(c.expires_at > now(), true) AS is_open,
       EXISTS (SELECT FROM public.orders o
                WHERE o.store_id = c.store_id AND o.created_at >= c.created_at AND o.status <> 'cancelled'
                  AND length(regexp_replace(o.customer_phone, '\D', '', 'g')) >= 9
                  AND right(regexp_replace(o.customer_phone, '\D', '', 'g'), 9) = right(%(digits)s::text, 9)) AS has_ordered
  FROM public.abandoned_carts c
 WHERE c.id = %(cart_id)s AND c.store_id = %(store_id)s
