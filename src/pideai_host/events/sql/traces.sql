-- Where claimed deliveries stand in traces: their event's, and that of the replay which had them go again. Asked only where
-- traces are recorded; most have none when few are sampled. By primary key, as the claim itself.
select d.id, e.metadata ->> 'traceparent' as event, d.replayed_at is not null as is_replayed,
       case when d.replayed_at is not null then (
         select h.entry ->> 'trace'
         from jsonb_array_elements(d.history) with ordinality as h (entry, n)
         where h.entry ->> 'outcome' = 'replayed'
         order by h.n desc
         limit 1) end as replay
from unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) as k (id, created_at)
join public.plugin_events_log d on d.id = k.id and d.created_at = k.created_at
join public.plugin_events e on e.id = d.event_id and e.created_at = d.event_created_at
where e.metadata ? 'traceparent' or d.replayed_at is not null
