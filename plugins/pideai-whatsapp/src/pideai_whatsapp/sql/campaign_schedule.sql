WITH moved AS (
    UPDATE public.whatsapp_campaigns
       SET status = 'scheduled', scheduled_at = coalesce(%(at)s::timestamptz, now())
     WHERE id = %(campaign_id)s AND store_id = %(store_id)s AND status IN ('draft', 'scheduled')
    RETURNING id, store_id
)
INSERT INTO pideai_whatsapp.campaigns AS k (campaign_id, store_id, asked_at)
SELECT id, store_id, now() FROM moved
    ON CONFLICT (campaign_id) DO UPDATE SET asked_at = now(), paused_at = NULL, pause_reason = NULL, held = NULL, next_at = NULL
