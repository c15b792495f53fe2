select coalesce(public.has_module_enabled(%(store_id)s::uuid, %(module)s::text), false) as has_module
