-- The panel listens to this row, and today's triggers ask it: while they speak for the store its switch is not ours.
-- Flags that the configuration speaks of are written, the others stay as they are.
INSERT INTO public.whatsapp_settings AS w
       (store_id, is_enabled, auto_order_confirmation, auto_order_preparing, auto_order_ready,
        auto_order_out_for_delivery, auto_order_delivered, auto_order_cancelled, auto_abandoned_cart,
        abandoned_cart_delay_minutes)
VALUES (%(store_id)s, NOT pideai_whatsapp.triggers_speak(%(store_id)s),
        coalesce(%(order_confirmation)s::boolean, true), coalesce(%(order_preparing)s::boolean, true),
        coalesce(%(order_ready)s::boolean, true), coalesce(%(order_out_for_delivery)s::boolean, true),
        coalesce(%(order_delivered)s::boolean, true), coalesce(%(order_cancelled)s::boolean, false),
        coalesce(%(abandoned_cart)s::boolean, false), coalesce(%(delay_minutes)s::integer, 30))
ON CONFLICT (store_id) DO UPDATE
   SET is_enabled = w.is_enabled IS TRUE OR excluded.is_enabled,
       auto_order_confirmation = coalesce(%(order_confirmation)s::boolean, w.auto_order_confirmation),
       auto_order_preparing = coalesce(%(order_preparing)s::boolean, w.auto_order_preparing),
       auto_order_ready = coalesce(%(order_ready)s::boolean, w.auto_order_ready),
       auto_order_out_for_delivery = coalesce(%(order_out_for_delivery)s::boolean, w.auto_order_out_for_delivery),
       auto_order_delivered = coalesce(%(order_delivered)s::boolean, w.auto_order_delivered),
       auto_order_cancelled = coalesce(%(order_cancelled)s::boolean, w.auto_order_cancelled),
       auto_abandoned_cart = coalesce(%(abandoned_cart)s::boolean, w.auto_abandoned_cart),
       abandoned_cart_delay_minutes = coalesce(%(delay_minutes)s::integer, w.abandoned_cart_delay_minutes)
