-- A message that was asked for and will not be sent: it fails where the owner sees it. One that was claimed stays.
WITH closed AS (
    UPDATE pideai_whatsapp.sends s
       SET state = 'refused', settled_at = clock_timestamp(), error = %(error)s::text
     WHERE s.message_id = %(id)s AND s.store_id = %(store_id)s AND s.state IN ('new', 'refused')
    RETURNING s.message_id
)
UPDATE public.whatsapp_messages m
   SET status = 'failed', error_message = %(error)s::text
  FROM closed c
 WHERE m.id = c.message_id AND m.store_id = %(store_id)s AND m.status IN ('pending', 'failed')
