select o.id, to_jsonb(o)::text as record, null as old_record from public.orders o where o.id = any (%(ids)s)
