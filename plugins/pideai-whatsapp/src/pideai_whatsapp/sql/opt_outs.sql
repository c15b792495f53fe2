-- A page of who opted out, newest first, from below a place.
SELECT o.phone, o.since, o.by
  FROM pideai_whatsapp.opt_outs o
 WHERE o.store_id = %(store_id)s
   AND (%(since)s::timestamptz IS NULL OR (o.since, o.line) < (%(since)s::timestamptz, %(line)s::text))
 ORDER BY o.since DESC, o.line DESC
 LIMIT %(limit)s
