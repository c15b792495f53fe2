-- A store's campaigns, newest first: one of them, or a page.
SELECT c.id,
       c.name,
       c.message_body AS message,
       c.image_url,
       coalesce(c.target_audience, 'all') AS audience,
       coalesce(c.status, 'draft') AS status,
       c.scheduled_at,
       c.started_at,
       c.completed_at,
       coalesce(c.total_recipients, 0) AS total,
       coalesce(c.messages_sent, 0) AS sent,
       coalesce(c.messages_delivered, 0) AS delivered,
       coalesce(c.messages_failed, 0) AS failed,
       c.created_at,
       k.paused_at,
       k.pause_reason,
       k.held,
       CASE WHEN %(id)s::uuid IS NOT NULL
            THEN (SELECT count(*) FROM pideai_whatsapp.campaign_recipients r
                   WHERE r.campaign_id = c.id AND r.state = 'waiting') END AS waiting,
       CASE WHEN %(id)s::uuid IS NOT NULL
            THEN (SELECT count(*) FROM pideai_whatsapp.campaign_recipients r
                   WHERE r.campaign_id = c.id AND r.state = 'dropped') END AS dropped
  FROM public.whatsapp_campaigns c
  LEFT JOIN pideai_whatsapp.campaigns k ON k.campaign_id = c.id AND k.store_id = c.store_id
 WHERE c.store_id = %(store_id)s
   AND (%(id)s::uuid IS NULL OR c.id = %(id)s)
   AND (%(status)s::text IS NULL
        OR %(status)s = CASE WHEN k.paused_at IS NOT NULL AND c.status IN ('scheduled', 'sending') THEN 'paused'
                             ELSE coalesce(c.status, 'draft') END)
   AND (%(before)s::timestamptz IS NULL OR (c.created_at, c.id) < (%(before)s, %(before_id)s))
 ORDER BY c.created_at DESC, c.id DESC
 LIMIT %(limit)s
