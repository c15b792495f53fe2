-- The first installation says for good whether the store sent through WhatsApp before: later ones meet our own traces.
INSERT INTO pideai_whatsapp.stores (store_id, is_adopted)
VALUES (%(store_id)s, EXISTS (SELECT FROM public.whatsapp_settings w WHERE w.store_id = %(store_id)s))
ON CONFLICT (store_id) DO NOTHING
