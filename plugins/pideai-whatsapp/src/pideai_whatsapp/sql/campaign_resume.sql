UPDATE pideai_whatsapp.campaigns k
   SET paused_at = NULL, pause_reason = NULL, resumed_at = now(), next_at = now(), asked_at = now()
  FROM public.whatsapp_campaigns c
 WHERE k.campaign_id = %(campaign_id)s AND k.store_id = %(store_id)s AND k.paused_at IS NOT NULL
   AND c.id = k.campaign_id AND c.store_id = k.store_id AND c.status IN ('scheduled', 'sending')
