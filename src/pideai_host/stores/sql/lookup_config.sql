-- Stores that have a plugin enabled and one of some values at a place of its configuration.
select sp.config #>> %(path)s::text[] as value, sp.store_id
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
where p.slug = %(slug)s and sp.enabled and sp.config #>> %(path)s::text[] = any (%(values)s::text[])
order by sp.store_id
limit %(limit)s
