((select l.id
  from public.plugin_events_log l
  where l.store_id = d.store_id and l.created_at = d.created_at and l.event_id = d.id
  limit 1) is null -- a probe by (store_id, created_at); as `not exists` it would be planned as a look through the whole log
 and (cardinality(%(types)s::text[]) = 0 or d.type = any (%(types)s))
 and (%(plugin)s::text is null
      or d.type = any (array(
        select unnest(p.required_events) from public.plugins p where p.slug = %(plugin)s))))
