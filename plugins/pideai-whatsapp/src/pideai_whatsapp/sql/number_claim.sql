-- Take a number of Meta's for a store, if no other store holds it; touches a row exactly if it is the store's now.
INSERT INTO pideai_whatsapp.meta_numbers AS n (phone_number_id, store_id)
VALUES (%(phone_number_id)s, %(store_id)s)
ON CONFLICT (phone_number_id) DO UPDATE SET store_id = excluded.store_id, since = now()
 WHERE n.store_id = excluded.store_id
    OR NOT EXISTS (SELECT FROM public.store_plugins sp JOIN public.plugins p ON p.id = sp.plugin_id
                    WHERE sp.store_id = n.store_id AND p.slug = 'whatsapp'
                      AND sp.config #>> '{meta,phoneNumberId}' = n.phone_number_id)
