select coalesce(public.user_owns_store(%(store_id)s::uuid), false) as owns
