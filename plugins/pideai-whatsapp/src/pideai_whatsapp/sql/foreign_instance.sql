-- Whether an instance name is another store's: one operator key opens every instance, so the name is the only fence.
SELECT EXISTS (SELECT FROM public.stores o
                WHERE o.subdomain = lower(%(instance_name)s::text) AND o.id <> %(store_id)s)
       OR EXISTS (SELECT FROM public.whatsapp_settings o
                   WHERE lower(o.instance_name) = lower(%(instance_name)s::text) AND o.store_id <> %(store_id)s)
       OR EXISTS (SELECT FROM pideai_whatsapp.instances o
                   WHERE o.name = lower(%(instance_name)s::text) AND o.store_id <> %(store_id)s)
       AS is_foreign
