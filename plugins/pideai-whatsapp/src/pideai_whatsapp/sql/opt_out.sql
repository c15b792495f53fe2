-- A phone wants no advertising of this store, unless the contrary was said later; who was first to say so stays. At one moment
-- the wish for none counts.
WITH said AS (
    INSERT INTO pideai_whatsapp.wishes AS w (store_id, line, said_at)
    VALUES (%(store_id)s, %(line)s, least(coalesce(%(said_at)s::timestamptz, clock_timestamp()), clock_timestamp()))
    ON CONFLICT (store_id, line) DO UPDATE SET said_at = excluded.said_at WHERE w.said_at <= excluded.said_at
    RETURNING w.said_at
)
INSERT INTO pideai_whatsapp.opt_outs (store_id, phone, line, by)
SELECT %(store_id)s, %(phone)s, %(line)s, %(by)s FROM said
ON CONFLICT (store_id, line) DO NOTHING
