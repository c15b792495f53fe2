-- What became of a claimed message. Only forward: a receipt that came first is not undone.
UPDATE public.whatsapp_messages
   SET status = CASE WHEN status = 'pending' THEN %(status)s::text ELSE status END,
       evolution_message_id = coalesce(%(provider_message_id)s::text, evolution_message_id),
       sent_at = CASE WHEN %(status)s::text = 'sent' THEN coalesce(sent_at, now()) ELSE sent_at END,
       error_message = %(error)s::text
 WHERE id = %(id)s AND store_id = %(store_id)s
