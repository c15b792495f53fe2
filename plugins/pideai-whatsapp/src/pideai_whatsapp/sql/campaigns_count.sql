-- Bring the counters of campaigns up to what became of their messages: while they go out, and for three days after, since
-- receipts come late.
WITH due AS (
    SELECT c.id, c.store_id
      FROM public.whatsapp_campaigns c
      JOIN pideai_whatsapp.campaigns k ON k.campaign_id = c.id
     WHERE c.started_at IS NOT NULL
       AND (c.status = 'sending' AND coalesce(k.counted_at, '-infinity') < now() - %(often_s)s * interval '1 second'
            OR c.status IN ('completed', 'cancelled') AND c.completed_at > now() - interval '3 days'
               AND coalesce(k.counted_at, '-infinity') < now() - %(seldom_s)s * interval '1 second')
     ORDER BY k.counted_at NULLS FIRST
     LIMIT 50
), counted AS (
    SELECT d.id, d.store_id,
           count(*) FILTER (WHERE m.status IN ('sent', 'delivered', 'read')) AS sent,
           count(*) FILTER (WHERE m.status IN ('delivered', 'read')) AS delivered,
           count(*) FILTER (WHERE m.status = 'failed') AS failed
      FROM due d
      LEFT JOIN pideai_whatsapp.campaign_recipients r ON r.campaign_id = d.id AND r.state = 'handed_over'
      LEFT JOIN public.whatsapp_messages m ON m.id = r.message_id AND m.store_id = d.store_id
     GROUP BY d.id, d.store_id
), written AS (
    UPDATE public.whatsapp_campaigns c
       SET messages_sent = n.sent, messages_delivered = n.delivered, messages_failed = n.failed
      FROM counted n
     WHERE c.id = n.id
       AND (c.messages_sent, c.messages_delivered, c.messages_failed) IS DISTINCT FROM (n.sent, n.delivered, n.failed)
)
UPDATE pideai_whatsapp.campaigns k SET counted_at = now() FROM due d WHERE k.campaign_id = d.id
