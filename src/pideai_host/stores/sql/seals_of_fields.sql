-- The next fields of configurations that are not sealed with the newest key, with the place that each is bound to.
select s.installation_id, s.field, s.sealed, sp.store_id, p.slug
from pideai_host.installation_secrets s
join public.store_plugins sp on sp.id = s.installation_id
join public.plugins p on p.id = sp.plugin_id
where (s.installation_id, s.field) > (%(after_id)s, %(after_field)s) and not starts_with(s.sealed, %(newest)s)
order by s.installation_id, s.field
limit %(limit)s
