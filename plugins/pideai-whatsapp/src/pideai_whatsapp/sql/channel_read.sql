-- A store's channel and the time; a store that linked its phone before there was this table is known by its settings.
SELECT c.provider, c.state, c.reason, c.since, c.phone, c.qr, c.seen, c.strikes, c.outage_since, c.told_at, c.heard_at,
       c.checked_at, c.hooked_at, c.restarted_at,
       coalesce(c.version, 0) AS version,
       coalesce(w.is_connected, false) AS was_connected,
       nullif(regexp_replace(coalesce(w.connected_phone, ''), '\D', '', 'g'), '') AS was_phone,
       o.subdomain,
       clock_timestamp() AS at
  FROM (SELECT %(store_id)s::uuid AS store_id) s
  LEFT JOIN pideai_whatsapp.channels c ON c.store_id = s.store_id
  LEFT JOIN public.stores o ON o.id = s.store_id
  LEFT JOIN public.whatsapp_settings w ON w.store_id = s.store_id
