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
       CASE WHEN l.store_id IS NULL THEN w.is_connected IS TRUE ELSE l.state = 'open' END AS is_connected,
       jsonb_strip_nulls(to_jsonb(w)) AS panel,
       coalesce(k.is_adopted, false) AS is_adopted,
       EXISTS (SELECT FROM pideai_whatsapp.instances i WHERE i.name = lower(s.subdomain) AND i.store_id <> s.id) AS is_taken,
       t.message_body,
       t.id IS NULL OR t.is_active IS TRUE AS is_wanted,
       c.status AS campaign_status,
       CASE WHEN %(status)s::text IS NULL THEN 'host'
            ELSE pideai_whatsapp.side_of(s.id, %(order_id)s, %(status)s, %(version)s) END AS side,
       x.state,
       x.provider,
       x.provider_message_id,
       extract(epoch FROM clock_timestamp() - x.claimed_at)::float8 AS claimed_for_s,
       -- What nobody knows to have failed may have been read.
       EXISTS (SELECT FROM pideai_whatsapp.sends e
                WHERE e.order_id = %(order_id)s AND e.kind = %(message_type)s AND e.store_id = s.id
                  AND e.message_id <> %(message_id)s AND e.state IN ('claimed', 'accepted', 'unknown')) AS was_said
  FROM public.stores s
  LEFT JOIN public.whatsapp_settings w ON w.store_id = s.id
  LEFT JOIN pideai_whatsapp.channels l ON l.store_id = s.id
  LEFT JOIN pideai_whatsapp.stores k ON k.store_id = s.id
  LEFT JOIN public.whatsapp_message_templates t ON t.store_id = s.id AND t.template_type = %(message_type)s
  LEFT JOIN public.whatsapp_campaigns c ON c.store_id = s.id AND c.id = %(campaign_id)s
  LEFT JOIN pideai_whatsapp.sends x ON x.store_id = s.id AND x.message_id = %(message_id)s
 WHERE s.id = %(store_id)s
