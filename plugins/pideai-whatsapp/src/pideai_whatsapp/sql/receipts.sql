-- Move messages on by what a provider reports of them, all of one call at once, each found by the provider's id or by our own.
-- A status only goes forward; failed only before it arrived, and for good (providers/signals.py, moves_to).
WITH told AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(receipts)s::jsonb) AS r
           (provider_message_id text, reference uuid, progress text, error text)
), met AS MATERIALIZED (
    SELECT DISTINCT ON (f.message_id) f.message_id, f.state, f.delivery_id, t.*
      FROM told t
     CROSS JOIN LATERAL (
           SELECT s.message_id, s.state, s.delivery_id
             FROM pideai_whatsapp.sends s
            WHERE s.store_id = %(store_id)s AND s.provider_message_id = t.provider_message_id
            UNION ALL
           SELECT s.message_id, s.state, s.delivery_id
             FROM pideai_whatsapp.sends s
            WHERE s.store_id = %(store_id)s AND s.message_id = t.reference AND s.provider_message_id IS NULL
           ) f
     ORDER BY f.message_id
), locked AS MATERIALIZED (
    SELECT m.id, coalesce(m.status, 'pending') AS status
      FROM public.whatsapp_messages m
     WHERE m.id = ANY (ARRAY(SELECT message_id FROM met)) AND m.store_id = %(store_id)s
     ORDER BY m.id
       FOR NO KEY UPDATE
), moved AS (
    UPDATE public.whatsapp_messages m
       SET status = t.progress,
           evolution_message_id = coalesce(m.evolution_message_id, t.provider_message_id),
           sent_at = CASE WHEN t.progress = 'failed' THEN m.sent_at ELSE coalesce(m.sent_at, now()) END,
           delivered_at = CASE WHEN t.progress IN ('delivered', 'read') THEN coalesce(m.delivered_at, now())
                               ELSE m.delivered_at END,
           read_at = CASE WHEN t.progress = 'read' THEN coalesce(m.read_at, now()) ELSE m.read_at END,
           error_message = t.error
      FROM met t
      JOIN locked l ON l.id = t.message_id
     WHERE m.id = l.id AND m.store_id = %(store_id)s
       AND ((t.progress = 'sent' AND l.status = 'pending')
         OR (t.progress = 'delivered' AND l.status IN ('pending', 'sent'))
         OR (t.progress = 'read' AND l.status IN ('pending', 'sent', 'delivered'))
         OR (t.progress = 'failed' AND l.status IN ('pending', 'sent')))
    RETURNING m.id
), known AS (
    -- What was sent is no longer in doubt; what failed may be sent again by whoever replays it.
    UPDATE pideai_whatsapp.sends s
       SET state = CASE WHEN t.progress = 'failed' THEN 'refused' ELSE 'accepted' END,
           provider_message_id = coalesce(s.provider_message_id, t.provider_message_id),
           settled_at = coalesce(s.settled_at, clock_timestamp()),
           error = t.error
      FROM met t
     WHERE s.message_id = t.message_id AND s.store_id = %(store_id)s
       AND t.message_id IN (SELECT id FROM moved)
       AND (t.progress = 'failed' OR s.state <> 'accepted' OR s.provider_message_id IS NULL)
)
SELECT t.message_id, t.provider_message_id, t.progress, t.error, t.state, t.delivery_id,
       t.message_id IN (SELECT id FROM moved) AS is_moved
  FROM met t
