-- Who takes these events now: the enabled installations whose plugins subscribe. The host makes the ids of deliveries.
select e.id, e.created_at, sp.id
from json_to_recordset(%(picked)s::json) as k (id uuid, created_at timestamptz)
join public.plugin_events e on e.id = k.id and e.created_at = k.created_at
join public.store_plugins sp on sp.store_id = e.store_id and sp.enabled
join public.plugins p
  on p.id = sp.plugin_id and p.is_active and e.type = any (p.required_events)
  and (%(plugin)s::text is null or p.slug = %(plugin)s)
