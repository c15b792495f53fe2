-- Who is next, and what says whether it may be now: the store, its channel, its credits, and how the last ones went.
SELECT c.name,
       c.message_body AS message,
       c.image_url,
       s.name AS store_name,
       s.subdomain,
       w.store_id IS NULL OR w.is_enabled IS TRUE AS is_enabled,
       CASE WHEN l.store_id IS NULL THEN w.is_connected IS TRUE ELSE l.state = 'open' END AS is_connected,
       (SELECT CASE WHEN p.last_reset_date < date_trunc('month', now())::date THEN p.monthly_credits
                    ELSE p.monthly_credits - p.credits_used_this_month END + p.extra_credits
          FROM public.whatsapp_credits p
         WHERE p.store_id = c.store_id) AS credits,
       last.pending,
       last.failed,
       last.total,
       next.line,
       next.phone,
       next.customer_name
  FROM public.whatsapp_campaigns c
  JOIN public.stores s ON s.id = c.store_id
  JOIN pideai_whatsapp.campaigns k ON k.campaign_id = c.id AND k.store_id = c.store_id
  LEFT JOIN public.whatsapp_settings w ON w.store_id = c.store_id
  LEFT JOIN pideai_whatsapp.channels l ON l.store_id = c.store_id
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE m.status = 'pending') AS pending,
              count(*) FILTER (WHERE m.status = 'failed') AS failed,
              count(*) AS total
         FROM (SELECT r.message_id
                 FROM pideai_whatsapp.campaign_recipients r
                WHERE r.campaign_id = c.id AND r.state = 'handed_over'
                  AND r.handed_at > greatest(now() - interval '15 minutes', k.resumed_at)
                ORDER BY r.handed_at DESC
                LIMIT %(last)s) AS r
         JOIN public.whatsapp_messages m ON m.id = r.message_id AND m.store_id = c.store_id) AS last
  LEFT JOIN LATERAL (
       SELECT r.line, r.phone, r.customer_name
         FROM pideai_whatsapp.campaign_recipients r
        WHERE r.campaign_id = c.id AND r.state = 'waiting'
          AND NOT EXISTS (SELECT FROM pideai_whatsapp.opt_outs x WHERE x.store_id = c.store_id AND x.line = r.line)
        ORDER BY r.n
        LIMIT 1) AS next ON true
 WHERE c.id = %(campaign_id)s AND c.store_id = %(store_id)s AND c.status = 'sending' AND k.paused_at IS NULL
