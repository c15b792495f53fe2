-- Claim what is ready in several lanes, each message with its delivery, its event and the state of its installation.
-- One round trip for all lanes. The joins go by primary key with the partition key in hand, so that only the partition
-- of each row is touched, whatever the history.
select l.lane, m.msg_id, m.read_ct,
       d.id, d.created_at, d.status, d.msg_id is not distinct from m.msg_id as is_current, d.store_id, d.installation_id,
       d.attempts, extract(epoch from now() - d.waiting_since)::float8 as waited_s,
       sp.revision, sp.enabled,
       e.id as event_id, e.created_at as event_created_at, e.type, e.payload::text as payload, e.occurred_at,
       e.source, e.entity_id, e.completed_at is not null as is_complete,
       extract(epoch from now() - e.occurred_at)::float8 as age_s
from unnest(%(lanes)s::text[], %(counts)s::integer[], %(leases)s::integer[]) as l (lane, wanted, lease_s)
cross join lateral pgmq.read(l.lane, l.lease_s, l.wanted) as m
left join public.plugin_events_log d
  on d.id = (m.message ->> 'd')::uuid and d.created_at = (m.message ->> 'at')::timestamptz
left join public.plugin_events e on e.id = d.event_id and e.created_at = d.event_created_at
left join public.store_plugins sp on sp.id = d.installation_id
