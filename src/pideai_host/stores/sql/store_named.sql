-- A store by its id or its subdomain.
select id from public.stores where id::text = lower(%(name)s) or subdomain = %(name)s
