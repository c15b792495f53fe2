-- All that a message needs to know of its store, in one round trip. Columns that production may lack are read through
-- to_jsonb; booleans are null nearly everywhere, and a null is not true.
SELECT s.name,
       s.subdomain,
       coalesce(nullif(s.address, ''), s.store_address_full, '') AS address,
       to_jsonb(s) ->> 'country' AS country,
       s.currency,
       s.thousands_separator,
       s.decimal_separator,
       s.decimal_places,
       s.delivery_label,
       s.pickup_label,
       s.digital_menu_label,
       w.store_id IS NULL OR w.is_enabled IS TRUE AS is_enabled,
       w.is_connected IS TRUE AS is_connected,
       t.message_body,
       t.id IS NULL OR t.is_active IS TRUE AS is_wanted,
       m.status AS message_status,
       m.evolution_message_id
  FROM public.stores s
  LEFT JOIN public.whatsapp_settings w ON w.store_id = s.id
  LEFT JOIN public.whatsapp_message_templates t ON t.store_id = s.id AND t.template_type = %(message_type)s
  LEFT JOIN public.whatsapp_messages m ON m.store_id = s.id AND m.id = %(message_id)s
 WHERE s.id = %(store_id)s
