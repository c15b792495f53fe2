-- Flags that the configuration speaks of, where the panel shows them; is_enabled is not the configuration's to say.
UPDATE public.whatsapp_settings w
   SET auto_order_confirmation = coalesce(%(order_confirmation)s::boolean, w.auto_order_confirmation),
       auto_order_preparing = coalesce(%(order_preparing)s::boolean, w.auto_order_preparing),
       auto_order_ready = coalesce(%(order_ready)s::boolean, w.auto_order_ready),
       auto_order_out_for_delivery = coalesce(%(order_out_for_delivery)s::boolean, w.auto_order_out_for_delivery),
       auto_order_delivered = coalesce(%(order_delivered)s::boolean, w.auto_order_delivered),
       auto_order_cancelled = coalesce(%(order_cancelled)s::boolean, w.auto_order_cancelled),
       auto_abandoned_cart = coalesce(%(abandoned_cart)s::boolean, w.auto_abandoned_cart),
       abandoned_cart_delay_minutes = coalesce(%(delay_minutes)s::integer, w.abandoned_cart_delay_minutes)
 WHERE w.store_id = %(store_id)s
