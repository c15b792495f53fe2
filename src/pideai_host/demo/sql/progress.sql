-- What became of everything that one order set off, as the delivery log tells it.
select e.id, e.type, e.created_at, p.slug, d.id, d.status, d.attempts, d.response_code, d.data ->> 'skipped',
       d.history::text
from public.plugin_events e
left join public.plugin_events_log d on d.event_id = e.id and d.created_at >= e.created_at
left join public.plugins p on p.id = d.plugin_id
where e.store_id = %(store_id)s and e.entity_id = any (%(orders)s)
order by e.created_at, e.occurred_at, e.type, p.slug
