select exists (select from public.stores s where s.id = %(store_id)s::uuid) as is_there
