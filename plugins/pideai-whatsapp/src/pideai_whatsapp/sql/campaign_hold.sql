-- Look at a campaign again later, and say why not now.
INSERT INTO pideai_whatsapp.campaigns AS k (campaign_id, store_id, next_at, held)
SELECT c.id, c.store_id, now() + %(pause_s)s * interval '1 second', %(held)s
  FROM public.whatsapp_campaigns c
 WHERE c.id = %(campaign_id)s AND c.store_id = %(store_id)s
    ON CONFLICT (campaign_id) DO UPDATE SET next_at = excluded.next_at, held = excluded.held
