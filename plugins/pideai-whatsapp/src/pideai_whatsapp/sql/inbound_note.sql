INSERT INTO pideai_whatsapp.inbound (store_id, message_id)
SELECT %(store_id)s, unnest(%(ids)s::text[])
ON CONFLICT DO NOTHING
