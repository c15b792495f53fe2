-- Nobody who waits gets a message; one that is queued is stopped when its turn comes (sending/notify.py).
WITH cancelled AS (
    UPDATE public.whatsapp_campaigns
       SET status = 'cancelled', completed_at = now()
     WHERE id = %(campaign_id)s AND store_id = %(store_id)s AND status IN ('draft', 'scheduled', 'sending')
    RETURNING id
), dropped AS (
    UPDATE pideai_whatsapp.campaign_recipients r SET state = 'dropped'
      FROM cancelled c
     WHERE r.campaign_id = c.id AND r.state = 'waiting'
), rested AS (
    UPDATE pideai_whatsapp.campaigns k SET paused_at = NULL, pause_reason = NULL, held = NULL
      FROM cancelled c
     WHERE k.campaign_id = c.id
)
SELECT id FROM cancelled
