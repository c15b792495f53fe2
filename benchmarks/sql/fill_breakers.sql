insert into pideai_host.breakers (installation_id, store_id, plugin, phase, openings, reason, until, revision)
select sp.id, sp.store_id, p.slug, 'open', 1, 'down', now() + interval '6 hours', sp.revision
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
where sp.id = any (%(ids)s)
