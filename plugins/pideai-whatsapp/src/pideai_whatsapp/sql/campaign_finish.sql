-- Nobody waits any more, but who opted out meanwhile.
WITH done AS (
    UPDATE public.whatsapp_campaigns
       SET status = 'completed', completed_at = now()
     WHERE id = %(campaign_id)s AND store_id = %(store_id)s AND status = 'sending'
    RETURNING id
), dropped AS (
    UPDATE pideai_whatsapp.campaign_recipients r SET state = 'dropped'
      FROM done d
     WHERE r.campaign_id = d.id AND r.state = 'waiting'
)
UPDATE pideai_whatsapp.campaigns k SET held = NULL, counted_at = NULL FROM done d WHERE k.campaign_id = d.id
