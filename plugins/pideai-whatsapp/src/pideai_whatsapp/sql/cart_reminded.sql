UPDATE public.abandoned_carts
   SET reminder_sent = true, reminder_sent_at = coalesce(reminder_sent_at, now())
 WHERE id = %(cart_id)s AND store_id = %(store_id)s AND reminder_sent IS NOT TRUE
