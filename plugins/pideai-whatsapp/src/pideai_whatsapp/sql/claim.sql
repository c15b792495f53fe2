-- Write the message down before the provider is called: whoever gets the row may send, and nobody else. What was never
-- asked for (new) or is known not to have been accepted (refused) may be taken; what is claimed, accepted or unknown not.
WITH claimed AS (
    INSERT INTO pideai_whatsapp.sends AS s
           (message_id, store_id, order_id, kind, phone, text_sha256, provider, delivery_id, state, claimed_at, claims)
    VALUES (%(id)s, %(store_id)s, %(order_id)s, %(message_type)s, %(phone)s, %(text_sha256)s, %(provider)s,
            %(delivery_id)s, 'claimed', clock_timestamp(), 1)
    ON CONFLICT (message_id) DO UPDATE
       SET state = 'claimed',
           phone = excluded.phone,
           text_sha256 = excluded.text_sha256,
           provider = excluded.provider,
           provider_message_id = NULL,
           delivery_id = excluded.delivery_id,
           claimed_at = excluded.claimed_at,
           claims = s.claims + 1,
           settled_at = NULL,
           error = NULL
     WHERE s.state IN ('new', 'refused') AND s.store_id = excluded.store_id
    RETURNING s.message_id, s.claims
), written AS (
    INSERT INTO public.whatsapp_messages AS m
           (id, store_id, order_id, campaign_id, customer_phone, customer_name, message_type, message_content,
            image_url, credit_type, status)
    SELECT c.message_id, %(store_id)s,
           (SELECT o.id FROM public.orders o WHERE o.id = %(order_id)s AND o.store_id = %(store_id)s),
           (SELECT p.id FROM public.whatsapp_campaigns p WHERE p.id = %(campaign_id)s AND p.store_id = %(store_id)s),
           %(phone)s, %(customer_name)s, %(message_type)s, %(text)s, %(image_url)s, %(credit_type)s, 'pending'
      FROM claimed c
    ON CONFLICT (id) DO UPDATE
       SET status = 'pending',
           customer_phone = excluded.customer_phone,
           message_content = excluded.message_content,
           credit_type = excluded.credit_type,
           error_message = NULL
     WHERE m.store_id = excluded.store_id
)
SELECT coalesce(max(c.claims), 0) AS claims FROM claimed c
