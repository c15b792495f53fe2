-- The next signing secrets that are not sealed with the newest key.
select sp.id as installation_id, 'webhook_secret' as field, sp.webhook_secret as sealed, sp.store_id, p.slug
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
where sp.id > %(after_id)s and not starts_with(sp.webhook_secret, %(newest)s)
order by sp.id
limit %(limit)s
