-- Write what became of a channel, if it is still what it was when it was read; the panel listens to whatsapp_settings, so
-- that is kept in step and touched only where it differs. A row that is made here must wake no trigger of today's.
WITH written AS (
    INSERT INTO pideai_whatsapp.channels AS c
           (store_id, provider, state, reason, since, phone, qr, seen, strikes, outage_since, told_at, heard_at,
            checked_at, hooked_at, restarted_at)
    SELECT %(store_id)s, %(provider)s, %(state)s, %(reason)s, coalesce(%(since)s::timestamptz, clock_timestamp()),
           %(phone)s, %(qr)s::jsonb, %(seen)s::text[], %(strikes)s, %(outage_since)s, %(told_at)s, %(heard_at)s,
           %(checked_at)s, %(hooked_at)s, %(restarted_at)s
    ON CONFLICT (store_id) DO UPDATE
       SET provider = excluded.provider,
           state = excluded.state,
           reason = excluded.reason,
           since = excluded.since,
           phone = excluded.phone,
           qr = excluded.qr,
           seen = excluded.seen,
           strikes = excluded.strikes,
           outage_since = excluded.outage_since,
           told_at = excluded.told_at,
           heard_at = greatest(c.heard_at, excluded.heard_at),
           checked_at = greatest(c.checked_at, excluded.checked_at),
           hooked_at = excluded.hooked_at,
           restarted_at = greatest(c.restarted_at, excluded.restarted_at),
           version = c.version + 1
     WHERE c.version = %(version)s
    RETURNING c.version
), shown AS (
    INSERT INTO public.whatsapp_settings AS w (store_id, is_enabled, is_connected, connected_phone, instance_name)
    SELECT %(store_id)s, NOT pideai_whatsapp.triggers_speak(%(store_id)s), %(is_connected)s, %(connected_phone)s, %(instance_name)s
      FROM written
     WHERE %(tells_panel)s
    ON CONFLICT (store_id) DO UPDATE
       SET is_connected = excluded.is_connected,
           connected_phone = excluded.connected_phone,
           instance_name = coalesce(w.instance_name, excluded.instance_name)
     WHERE (w.is_connected, w.connected_phone) IS DISTINCT FROM (excluded.is_connected, excluded.connected_phone)
)
SELECT count(*) = 1 AS is_written FROM written
