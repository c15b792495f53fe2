-- Whether a number of Meta's is this store's, if it is anybody's: a claim holds as long as its store names the number.
SELECT n.store_id = %(store_id)s AS is_own
  FROM pideai_whatsapp.meta_numbers n
 WHERE n.phone_number_id = %(phone_number_id)s
   AND (n.store_id = %(store_id)s
        OR EXISTS (SELECT FROM public.store_plugins sp JOIN public.plugins p ON p.id = sp.plugin_id
                    WHERE sp.store_id = n.store_id AND p.slug = 'whatsapp'
                      AND sp.config #>> '{meta,phoneNumberId}' = n.phone_number_id))
