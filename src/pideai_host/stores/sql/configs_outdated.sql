-- Installations whose configuration is older than the code wants, of the plugins that are loaded here.
select sp.store_id, p.slug
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
join unnest(%(slugs)s::text[], %(versions)s::integer[]) as loaded (slug, version) on loaded.slug = p.slug
where sp.config_version < loaded.version
  and sp.transition is null
  and coalesce(sp.config_due_at, '-infinity') <= now()
order by sp.config_due_at nulls first, sp.id
limit %(limit)s
