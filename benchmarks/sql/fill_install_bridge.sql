insert into public.store_plugins (store_id, plugin_id, webhook_url, webhook_secret)
select s.store_id, p.id, %(url)s, s.sealed
from json_to_recordset(%(stores)s::json) as s (store_id uuid, sealed text)
join public.plugins p on p.slug = %(slug)s
returning store_id, id
