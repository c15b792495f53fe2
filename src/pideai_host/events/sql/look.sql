-- Note what was seen of some events' items; tells for how long each has not changed and how old the event is.
with looked as materialized (
  select * from json_to_recordset(%(looks)s::json) as l (id uuid, created_at timestamptz, seen text)
)
update public.plugin_events e
set items_seen = l.seen,
    items_changed_at = case when e.items_seen is distinct from l.seen then clock_timestamp() else e.items_changed_at end
from looked l
where e.id = l.id and e.created_at = l.created_at and e.completed_at is null
  -- by primary key, in the partitions of these instants only (promote.sql)
  and e.id = any (array(select id from looked))
  and e.created_at between (select min(created_at) from looked) and (select max(created_at) from looked)
returning e.id,
          extract(epoch from clock_timestamp() - e.items_changed_at)::float8 as unchanged_s,
          extract(epoch from clock_timestamp() - e.created_at)::float8 as age_s
