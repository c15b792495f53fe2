-- One page of the deliveries in order, each with whether it is held up by nothing, or holds up others for nothing: settled
-- already, or first of its entity and still parked for order.
select o.installation_id, o.entity_id, o.place, o.delivery_id,
       d.status is distinct from 'pending'
         or (d.park_reason = 'order' and d.msg_id is null and d.next_attempt_at is null
             and not exists (
               select from pideai_host.ordered_deliveries p
               where p.installation_id = o.installation_id and p.entity_id = o.entity_id and p.place < o.place)) as is_stuck
from (
  select *
  from pideai_host.ordered_deliveries
  where (installation_id, entity_id, place, delivery_id)
    > (%(installation_id)s, %(entity_id)s::text, %(place)s::bigint, %(delivery_id)s)
  order by installation_id, entity_id, place, delivery_id
  limit %(limit)s
) as o
left join public.plugin_events_log d on d.id = o.delivery_id and d.created_at = o.delivery_created_at
order by o.installation_id, o.entity_id, o.place, o.delivery_id
