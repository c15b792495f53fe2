-- Stores that have a plugin enabled and keep something under one of some keys.
select s.key as value, s.store_id
from pideai_host.plugin_storage s
join public.plugins p on p.slug = s.plugin
join public.store_plugins sp on sp.plugin_id = p.id and sp.store_id = s.store_id and sp.enabled
where s.plugin = %(slug)s and s.key = any (%(values)s::text[])
order by s.store_id
limit %(limit)s
