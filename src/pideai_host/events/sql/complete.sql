-- Store completed payloads, once: the first writer wins, so that every plugin, retry and replay sees the same.
with completed as (
  update public.plugin_events e
  set payload = c.payload, completed_at = now()
  from json_to_recordset(%(completed)s::json) as c (id uuid, created_at timestamptz, payload jsonb)
  where e.id = c.id and e.created_at = c.created_at and e.completed_at is null
  returning e.id, e.payload
)
select id, payload::text from completed
union all
select e.id, e.payload::text
from json_to_recordset(%(completed)s::json) as c (id uuid, created_at timestamptz)
join public.plugin_events e on e.id = c.id and e.created_at = c.created_at
where e.completed_at is not null and e.id not in (select id from completed)
