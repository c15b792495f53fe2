-- A replay is in no order. What failed and has not left its order yet does so before it goes again, or it would hold up
-- what comes after it a second time (ADR 0023). Answers with the lanes that got what waited for it.
select pideai_host.order_leave(o.installations, o.entities, o.ids)
from (
  select array_agg(d.installation_id) as installations, array_agg(e.entity_id) as entities, array_agg(d.id) as ids
  from json_to_recordset(%(picked)s::json) as k (id uuid, created_at timestamptz)
  join public.plugin_events_log d on d.id = k.id and d.created_at = k.created_at
  join public.plugin_events e on e.id = d.event_id and e.created_at = d.event_created_at
  join pideai_host.ordered_deliveries o
    on o.installation_id = d.installation_id and o.entity_id = e.entity_id and o.place = d.place and o.delivery_id = d.id
  where d.place is not null and d.status <> 'pending'
  having count(*) > 0
) as o
