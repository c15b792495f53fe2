-- What the panel's row says of a store, without any key, and whether the store sent before it had the plugin.
SELECT w.is_enabled, w.subscription_status, w.abandoned_cart_delay_minutes, w.auto_order_confirmation,
       w.auto_order_preparing, w.auto_order_ready, w.auto_order_out_for_delivery, w.auto_order_delivered,
       w.auto_order_cancelled, w.auto_abandoned_cart,
       coalesce(k.is_adopted, false) AS is_adopted,
       ARRAY(SELECT t.template_type
               FROM public.whatsapp_message_templates t
              WHERE t.store_id = s.store_id AND t.is_active IS NOT TRUE) AS inactive_templates
  FROM (SELECT %(store_id)s::uuid AS store_id) s
  LEFT JOIN public.whatsapp_settings w ON w.store_id = s.store_id
  LEFT JOIN pideai_whatsapp.stores k ON k.store_id = s.store_id
