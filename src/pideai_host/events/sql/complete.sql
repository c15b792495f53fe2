-- Store completed payloads, once: the first writer wins, so that every plugin, retry and replay sees the same.
with given as materialized (
  select * from json_to_recordset(%(completed)s::json) as c (id uuid, created_at timestamptz, payload jsonb)
),
completed as (
  update public.plugin_events e
  set payload = g.payload, completed_at = now()
  from given g
  where e.id = g.id and e.created_at = g.created_at and e.completed_at is null
    -- by primary key, in the partitions of these instants only (promote.sql)
    and e.id = any (array(select id from given))
    and e.created_at between (select min(created_at) from given) and (select max(created_at) from given)
  returning e.id, e.payload
)
select id, payload::text from completed
union all
select e.id, e.payload::text
from given g
join public.plugin_events e on e.id = g.id and e.created_at = g.created_at
where e.completed_at is not null
  and g.id not in (select id from completed)
  and e.id = any (array(select id from given where id not in (select id from completed)))
  and e.created_at between (select min(created_at) from given) and (select max(created_at) from given)
