delete from public.store_plugins where id = %(id)s
