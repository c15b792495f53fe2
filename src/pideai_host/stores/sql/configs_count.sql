-- How many configurations of each plugin are older or newer than the catalogue's version.
select p.slug, case when sp.config_version < p.config_version then 'outdated' else 'newer' end as status, count(*)
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
where sp.config_version <> p.config_version
group by 1, 2
