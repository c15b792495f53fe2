-- Triggers that somebody replaced since the cutover left them: they speak for every store.
SELECT coalesce(array_agg(t.name ORDER BY t.name), '{}') AS names
  FROM pideai_whatsapp.order_triggers() t
  JOIN pideai_whatsapp.cutover_triggers w ON w.name = t.name
 WHERE w.written <> t.definition AND t.fires IN ('O', 'A')
