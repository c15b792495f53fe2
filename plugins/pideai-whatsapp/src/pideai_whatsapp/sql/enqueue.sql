-- Write messages down that were asked for, before anything is sent: the owner sees them as pending. An id that is there
-- already stays as it is; one that is another store's comes back, and nothing of it is written.
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(%(messages)s::jsonb) AS asked
           (id uuid, order_id uuid, campaign_id uuid, phone text, customer_name text, kind text, text text,
            image_url text, text_sha256 text)
), foreign_rows AS (
    SELECT w.id
      FROM wanted w
      JOIN public.whatsapp_messages m ON m.id = w.id
     WHERE m.store_id <> %(store_id)s
     UNION
    SELECT w.id
      FROM wanted w
      JOIN pideai_whatsapp.sends s ON s.message_id = w.id
     WHERE s.store_id <> %(store_id)s
), own AS (
    SELECT w.* FROM wanted w WHERE w.id NOT IN (SELECT f.id FROM foreign_rows f)
), written AS (
    INSERT INTO public.whatsapp_messages
           (id, store_id, order_id, campaign_id, customer_phone, customer_name, message_type, message_content,
            image_url, status)
    SELECT o.id, %(store_id)s,
           (SELECT r.id FROM public.orders r WHERE r.id = o.order_id AND r.store_id = %(store_id)s),
           (SELECT c.id FROM public.whatsapp_campaigns c WHERE c.id = o.campaign_id AND c.store_id = %(store_id)s),
           o.phone, o.customer_name, o.kind, o.text, o.image_url, 'pending'
      FROM own o
    ON CONFLICT (id) DO NOTHING
), noted AS (
    INSERT INTO pideai_whatsapp.sends (message_id, store_id, order_id, kind, phone, text_sha256, state)
    SELECT o.id, %(store_id)s, o.order_id, o.kind, o.phone, decode(o.text_sha256, 'hex'), 'new'
      FROM own o
    ON CONFLICT (message_id) DO NOTHING
)
SELECT f.id FROM foreign_rows f
