-- Nobody works any more on what was written down long ago. What was never claimed fails, visibly, and so does what was
-- refused for a while and shown as waiting; what was claimed and never settled (its worker died) is unknown from now on, so
-- that a receipt can still say what became of it.
WITH stale AS (
    SELECT s.message_id, s.state
      FROM pideai_whatsapp.sends s
     WHERE (s.state = 'new' AND s.created_at < now() - %(new_after_s)s * interval '1 second')
        OR (s.state = 'claimed' AND s.claimed_at < now() - %(claimed_after_s)s * interval '1 second')
     ORDER BY s.created_at
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
), waiting AS (
    SELECT s.message_id, s.state
      FROM public.whatsapp_messages m
      JOIN pideai_whatsapp.sends s ON s.message_id = m.id AND s.store_id = m.store_id
     WHERE m.status = 'pending' AND s.state = 'refused'
       AND s.settled_at < now() - %(new_after_s)s * interval '1 second'
     LIMIT %(limit)s
       FOR UPDATE OF s SKIP LOCKED
), closed AS (
    UPDATE pideai_whatsapp.sends s
       SET state = CASE
               WHEN t.state IN ('new', 'refused') THEN 'refused'
               WHEN s.provider_message_id IS NOT NULL THEN 'accepted'
               ELSE 'unknown'
           END,
           error = CASE
               WHEN t.state = 'new' THEN %(new_error)s::text
               WHEN t.state = 'refused' THEN coalesce(s.error, %(new_error)s::text)
               ELSE %(claimed_error)s::text
           END,
           settled_at = clock_timestamp()
      FROM (SELECT * FROM stale UNION ALL SELECT * FROM waiting) t
     WHERE s.message_id = t.message_id
    RETURNING s.message_id, s.store_id, s.state, s.error
), told AS (
    UPDATE public.whatsapp_messages m
       SET status = CASE WHEN c.state = 'refused' THEN 'failed' WHEN c.state = 'accepted' THEN 'sent' ELSE m.status END,
           error_message = CASE WHEN c.state = 'accepted' THEN NULL ELSE c.error END
      FROM closed c
     WHERE m.id = c.message_id AND m.store_id = c.store_id AND m.status = 'pending'
)
SELECT count(*) FILTER (WHERE c.state = 'refused')::int AS failed,
       count(*) FILTER (WHERE c.state = 'unknown')::int AS unknown
  FROM closed c
