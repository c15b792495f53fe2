-- The six triggers as they are and as they were left, and which stores they speak for.
SELECT s.is_over,
       s.listed,
       s.revision,
       EXISTS (SELECT FROM pg_catalog.pg_proc p
                WHERE p.pronamespace = to_regnamespace('net') AND p.proname = 'http_post') AS can_post,
       coalesce((SELECT jsonb_agg(jsonb_build_object('name', t.name, 'definition', t.definition, 'fires', t.fires,
                                                     'original', w.original, 'written', w.written) ORDER BY t.name)
                   FROM pideai_whatsapp.order_triggers() t
                   LEFT JOIN pideai_whatsapp.cutover_triggers w ON w.name = t.name), '[]') AS triggers
  FROM pideai_whatsapp.cutover_scope s
