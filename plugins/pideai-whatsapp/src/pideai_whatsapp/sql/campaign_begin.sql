-- Fix who gets a message, once, and begin, if no other campaign of the store has its turn.
WITH begun AS (
    UPDATE public.whatsapp_campaigns
       SET status = 'sending', started_at = now(), total_recipients = %(total)s,
           messages_sent = 0, messages_delivered = 0, messages_failed = 0
     WHERE id = %(campaign_id)s AND store_id = %(store_id)s AND status = 'scheduled'
       AND NOT EXISTS (
           SELECT FROM public.whatsapp_campaigns o
             JOIN pideai_whatsapp.campaigns ok ON ok.campaign_id = o.id AND ok.paused_at IS NULL
            WHERE o.store_id = %(store_id)s AND o.status = 'sending')
    RETURNING id, store_id
), written AS (
    INSERT INTO pideai_whatsapp.campaign_recipients (campaign_id, line, n, phone, customer_name)
    SELECT b.id, r.line, r.n, r.phone, r.customer_name
      FROM begun b
     CROSS JOIN jsonb_to_recordset(%(recipients)s::jsonb) AS r (line text, n integer, phone text, customer_name text)
        ON CONFLICT DO NOTHING
)
INSERT INTO pideai_whatsapp.campaigns AS k (campaign_id, store_id, next_at)
SELECT id, store_id, now() FROM begun
    ON CONFLICT (campaign_id) DO UPDATE SET next_at = now(), held = NULL
