INSERT INTO public.whatsapp_campaigns (store_id, name, message_body, image_url, target_audience, status)
VALUES (%(store_id)s, %(name)s, %(message)s, %(image_url)s, %(audience)s, 'draft')
RETURNING id
