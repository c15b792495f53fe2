(not exists (
   select from public.plugin_events_log l
   where l.store_id = d.store_id and l.created_at = d.created_at and l.event_id = d.id) -- by (store_id, created_at)
 and (cardinality(%(types)s::text[]) = 0 or d.type = any (%(types)s))
 and (%(plugin)s::text is null
      or d.type = any (array(
        select unnest(p.required_events) from public.plugins p where p.slug = %(plugin)s))))
