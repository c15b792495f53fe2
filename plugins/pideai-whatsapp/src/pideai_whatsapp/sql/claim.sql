-- Write the message down before the provider is called: whoever gets the row may send, and nobody else. A row that is
-- known not to have been accepted (failed) may be taken again; one that is pending or sent may not.
WITH claimed AS (
    INSERT INTO public.whatsapp_messages AS m
           (id, store_id, order_id, customer_phone, customer_name, message_type, message_content, credit_type, status)
    VALUES (%(id)s, %(store_id)s,
            (SELECT o.id FROM public.orders o WHERE o.id = %(order_id)s AND o.store_id = %(store_id)s),
            %(phone)s, %(customer_name)s, %(message_type)s, %(text)s, %(credit_type)s, 'pending')
    ON CONFLICT (id) DO UPDATE
       SET status = 'pending',
           customer_phone = excluded.customer_phone,
           message_content = excluded.message_content,
           credit_type = excluded.credit_type,
           error_message = NULL
     WHERE m.status = 'failed' AND m.store_id = excluded.store_id
    RETURNING m.id
)
SELECT count(*) = 1 AS is_claimed FROM claimed
