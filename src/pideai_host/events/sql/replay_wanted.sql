(d.status = any (%(statuses)s)
 and (d.replay_of is null or d.status not in ('sent', 'delivered')) -- a copy that arrived stands for its original
 and (cardinality(%(types)s::text[]) = 0 or d.event_type = any (%(types)s))
 and (%(plugin)s::text is null or d.plugin_id = (select p.id from public.plugins p where p.slug = %(plugin)s)))
