-- A page of a store's messages, newest first, from below a place. What was sent is looked up for the page alone.
SELECT m.id, m.order_id, m.campaign_id, m.customer_phone, m.customer_name, m.message_type, m.message_content, m.image_url,
       coalesce(m.status, 'pending') AS status,
       coalesce(s.state = 'unknown' AND coalesce(m.status, 'pending') = 'pending', false) AS is_in_doubt,
       s.provider,
       coalesce(m.evolution_message_id, s.provider_message_id) AS provider_message_id,
       m.credit_type, m.error_message, m.created_at, m.sent_at, m.delivered_at, m.read_at
  FROM (SELECT m.*
          FROM public.whatsapp_messages m
         WHERE m.store_id = %(store_id)s
           AND (%(statuses)s::text[] IS NULL OR coalesce(m.status, 'pending') = ANY (%(statuses)s::text[]))
           AND (%(types)s::text[] IS NULL OR m.message_type = ANY (%(types)s::text[]))
           AND (%(digits)s::text IS NULL
                OR right(regexp_replace(m.customer_phone, '\D', '', 'g'), length(%(digits)s::text)) = %(digits)s::text)
           AND (%(order_id)s::uuid IS NULL OR m.order_id = %(order_id)s::uuid)
           AND (%(campaign_id)s::uuid IS NULL OR m.campaign_id = %(campaign_id)s::uuid)
           AND (%(since)s::timestamptz IS NULL OR m.created_at >= %(since)s::timestamptz)
           AND (%(until)s::timestamptz IS NULL OR m.created_at < %(until)s::timestamptz)
           AND (%(after_at)s::timestamptz IS NULL
                OR (m.created_at, m.id) < (%(after_at)s::timestamptz, %(after_id)s::uuid))
         ORDER BY m.created_at DESC NULLS LAST, m.id DESC
         LIMIT %(limit)s) m
  LEFT JOIN pideai_whatsapp.sends s ON s.message_id = m.id AND s.store_id = m.store_id
 ORDER BY m.created_at DESC NULLS LAST, m.id DESC
