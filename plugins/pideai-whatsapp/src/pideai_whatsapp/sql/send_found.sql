-- A message was taken over, and its answer lost or not yet read: note the provider's id. One that is being sent now is
-- settled by whoever sends it.
WITH found AS (
    UPDATE pideai_whatsapp.sends s
       SET provider_message_id = %(provider_message_id)s::text,
           state = CASE WHEN s.state = 'unknown' THEN 'accepted' ELSE s.state END
     WHERE s.message_id = %(message_id)s AND s.store_id = %(store_id)s
       AND s.state IN ('claimed', 'unknown') AND s.provider_message_id IS NULL
    RETURNING s.message_id, s.state
), told AS (
    UPDATE public.whatsapp_messages m
       SET status = 'sent',
           evolution_message_id = %(provider_message_id)s::text,
           sent_at = coalesce(m.sent_at, now()),
           error_message = NULL
      FROM found f
     WHERE m.id = f.message_id AND m.store_id = %(store_id)s AND f.state = 'accepted' AND m.status = 'pending'
)
SELECT f.state FROM found f
