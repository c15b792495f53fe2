-- What became of a claimed message. Only forward: what a receipt or the provider's own word proved first is not undone.
-- A message that will be tried again only waits. A lost answer whose provider id came by another way was no lost message.
WITH settled AS (
    UPDATE pideai_whatsapp.sends s
       SET state = CASE
               WHEN s.state = 'accepted' THEN 'accepted'
               WHEN %(state)s::text = 'unknown' AND s.provider_message_id IS NOT NULL THEN 'accepted'
               ELSE %(state)s::text
           END,
           provider_message_id = coalesce(%(provider_message_id)s::text, s.provider_message_id),
           settled_at = coalesce(s.settled_at, clock_timestamp()),
           error = %(error)s::text
     WHERE s.message_id = %(id)s AND s.store_id = %(store_id)s
    RETURNING s.message_id, s.state, s.provider_message_id, s.error
), told AS (
    UPDATE public.whatsapp_messages m
       SET status = CASE
               WHEN m.status NOT IN ('pending', 'failed') THEN m.status
               WHEN n.state = 'accepted' THEN 'sent'
               WHEN n.state = 'refused' AND %(is_final)s THEN 'failed'
               ELSE 'pending'
           END,
           evolution_message_id = coalesce(n.provider_message_id, m.evolution_message_id),
           sent_at = CASE WHEN n.state = 'accepted' THEN coalesce(m.sent_at, now()) ELSE m.sent_at END,
           error_message = CASE WHEN n.state = 'accepted' THEN NULL ELSE n.error END
      FROM settled n
     WHERE m.id = n.message_id AND m.store_id = %(store_id)s
)
SELECT s.state, s.provider_message_id FROM settled s
