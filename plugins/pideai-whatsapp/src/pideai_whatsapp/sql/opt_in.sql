-- Advertising may reach a phone again, unless the contrary was said later.
WITH said AS (
    INSERT INTO pideai_whatsapp.wishes AS w (store_id, line, said_at)
    VALUES (%(store_id)s, %(line)s, least(coalesce(%(said_at)s::timestamptz, clock_timestamp()), clock_timestamp()))
    ON CONFLICT (store_id, line) DO UPDATE SET said_at = excluded.said_at WHERE w.said_at < excluded.said_at
    RETURNING w.said_at
)
DELETE FROM pideai_whatsapp.opt_outs o
 USING said
 WHERE o.store_id = %(store_id)s AND o.line = %(line)s
