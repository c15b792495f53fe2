-- Let a campaign rest; one that rests already keeps its reason.
INSERT INTO pideai_whatsapp.campaigns AS k (campaign_id, store_id, paused_at, pause_reason)
SELECT c.id, c.store_id, now(), %(reason)s
  FROM public.whatsapp_campaigns c
 WHERE c.id = %(campaign_id)s AND c.store_id = %(store_id)s AND c.status IN ('scheduled', 'sending')
    ON CONFLICT (campaign_id) DO UPDATE SET paused_at = now(), pause_reason = excluded.pause_reason, held = NULL
 WHERE k.paused_at IS NULL
