-- Installations whose configuration is of another version than the catalogue's: older ones wait to be brought up, newer
-- ones for processes with newer code. The deliveries of both wait.
select sp.store_id, p.slug as plugin, sp.enabled, sp.config_version, p.config_version as wanted_version,
       sp.config_fault, sp.config_due_at, coalesce(sp.updated_at, sp.installed_at, now()) as updated_at
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
where sp.config_version <> p.config_version
order by p.slug, sp.store_id
limit %(limit)s
