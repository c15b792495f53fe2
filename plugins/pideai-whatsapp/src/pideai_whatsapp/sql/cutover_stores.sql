-- Stores that send through WhatsApp today, have the plugin or were cut over: those named, by id or subdomain, or all.
SELECT s.id,
       s.subdomain,
       w.store_id IS NOT NULL AS has_settings,
       w.is_enabled IS TRUE AS is_enabled,
       w.is_connected IS TRUE AS is_connected,
       coalesce(to_jsonb(w), '{}') AS settings,
       sp.id IS NOT NULL AS is_installed,
       sp.enabled IS TRUE AS is_working,
       sp.state AS installation_state,
       coalesce(sp.config, '{}') AS config,
       (SELECT a.is_adopted FROM pideai_whatsapp.stores a WHERE a.store_id = s.id) IS TRUE AS is_adopted,
       c.state,
       c.since,
       (SELECT count(*)
          FROM public.whatsapp_message_templates t
         WHERE t.store_id = s.id AND t.template_type LIKE 'order\_%%') AS templates
  FROM public.stores s
  LEFT JOIN public.whatsapp_settings w ON w.store_id = s.id
  LEFT JOIN (public.store_plugins sp JOIN public.plugins p ON p.id = sp.plugin_id AND p.slug = 'whatsapp')
         ON sp.store_id = s.id
  LEFT JOIN pideai_whatsapp.cutovers c ON c.store_id = s.id
 WHERE CASE WHEN %(names)s::text[] IS NULL
            THEN w.store_id IS NOT NULL OR sp.id IS NOT NULL OR c.store_id IS NOT NULL
            ELSE s.id::text = ANY (%(names)s::text[]) OR s.subdomain = ANY (%(names)s::text[]) END
 ORDER BY s.subdomain, s.id
