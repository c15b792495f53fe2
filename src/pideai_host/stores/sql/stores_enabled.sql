-- Stores that have a plugin enabled, a page in the order of their ids.
select sp.store_id
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
where p.slug = %(slug)s and p.is_active and sp.enabled and sp.store_id > %(after)s
order by sp.store_id
limit %(limit)s
