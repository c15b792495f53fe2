-- Campaigns for which there is something to do. Of a store's campaigns under way only the oldest has its turn: the rate
-- spares the store's number, so two at once would be twice too fast.
SELECT c.id, c.store_id, c.status, coalesce(c.target_audience, 'all') AS audience
  FROM public.whatsapp_campaigns c
  LEFT JOIN pideai_whatsapp.campaigns k ON k.campaign_id = c.id
 WHERE k.paused_at IS NULL
   AND coalesce(k.next_at, '-infinity') <= now()
   AND (c.status = 'sending' AND k.campaign_id IS NOT NULL
        OR c.status = 'scheduled' AND c.scheduled_at <= now()
           AND (k.asked_at IS NOT NULL OR c.scheduled_at > now() - interval '1 day'))
   AND NOT EXISTS (
       SELECT FROM public.whatsapp_campaigns o
         JOIN pideai_whatsapp.campaigns ok ON ok.campaign_id = o.id AND ok.paused_at IS NULL
        WHERE o.store_id = c.store_id AND o.status = 'sending' AND o.id <> c.id
          AND (c.status = 'scheduled' OR (o.started_at, o.id) < (c.started_at, c.id)))
 ORDER BY coalesce(k.next_at, c.scheduled_at), c.id
 LIMIT %(limit)s
