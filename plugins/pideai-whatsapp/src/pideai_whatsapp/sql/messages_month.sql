SELECT count(*) AS total,
       count(*) FILTER (WHERE coalesce(m.status, 'pending') = 'pending') AS pending,
       count(*) FILTER (WHERE m.status = 'sent') AS sent,
       count(*) FILTER (WHERE m.status = 'delivered') AS delivered,
       count(*) FILTER (WHERE m.status = 'read') AS read,
       count(*) FILTER (WHERE m.status = 'failed') AS failed
  FROM public.whatsapp_messages m
 WHERE m.store_id = %(store_id)s AND m.created_at >= date_trunc('month', now())
