-- Events of the last hours that no enabled installation took, by type: how many, in how many stores, and the newest.
select e.type, count(*) as events, count(distinct e.store_id) as stores, max(e.created_at) as newest_at
from public.plugin_events e
where e.created_at >= now() - make_interval(hours => %(hours)s)
  and not exists (
    select from public.plugin_events_log l
    where l.store_id = e.store_id and l.created_at = e.created_at and l.event_id = e.id)
group by e.type
order by events desc, e.type
