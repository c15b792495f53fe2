-- A page of a store's events, newest first, each with how many deliveries it has; bounded as log_deliveries.sql is.
select d.id, d.type, d.entity_id, d.source, d.occurred_at, d.created_at,
       (select count(*) from public.plugin_events_log l
        where l.store_id = d.store_id and l.created_at = d.created_at and l.event_id = d.id) as deliveries
from (
  select *
  from public.plugin_events
  where store_id = %(store_id)s
    and created_at >= %(since)s and created_at < %(until)s
    and created_at <= %(before_at)s and (created_at, id) < (%(before_at)s, %(before_id)s)
  order by created_at desc, id desc
  limit %(examined)s
) as d
where (cardinality(%(types)s::text[]) = 0 or d.type = any (%(types)s))
  and (not %(untaken)s
       or (select l.id
           from public.plugin_events_log l
           where l.store_id = d.store_id and l.created_at = d.created_at and l.event_id = d.id
           limit 1) is null)
order by d.created_at desc, d.id desc
limit %(limit)s
