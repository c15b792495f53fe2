-- Note that a recipient's event is written, and when the next may follow.
WITH handed AS (
    UPDATE pideai_whatsapp.campaign_recipients
       SET state = 'handed_over', handed_at = now(), message_id = %(message_id)s
     WHERE campaign_id = %(campaign_id)s AND line = %(line)s AND state <> 'handed_over'
       AND EXISTS (SELECT FROM pideai_whatsapp.campaigns k
                    WHERE k.campaign_id = %(campaign_id)s AND k.store_id = %(store_id)s)
)
UPDATE pideai_whatsapp.campaigns
   SET next_at = now() + %(pause_s)s * interval '1 second', held = NULL
 WHERE campaign_id = %(campaign_id)s AND store_id = %(store_id)s
