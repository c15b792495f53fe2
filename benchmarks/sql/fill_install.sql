insert into public.store_plugins (store_id, plugin_id)
select s.id, p.id
from unnest(%(stores)s::uuid[]) as s (id)
join public.plugins p on p.slug = any (%(slugs)s::text[])
