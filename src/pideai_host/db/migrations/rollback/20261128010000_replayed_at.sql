-- The function as it was in 20261123000700.
create or replace function pideai_host.claim(lanes text[], counts integer[], leases integer[])
returns table (
  lane text, msg_id bigint, read_ct integer, enqueued_s double precision,
  id uuid, created_at timestamptz, status text, is_current boolean, store_id uuid, installation_id uuid,
  attempts integer, waited_s double precision,
  revision bigint, enabled boolean,
  event_id uuid, event_created_at timestamptz, type text, payload text, occurred_at timestamptz,
  source text, entity_id text, is_complete boolean, age_s double precision
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  of_lane text[];
  ids bigint[];
  reads integer[];
  sent_at timestamptz[];
  messages jsonb[];
begin
  select array_agg(l.lane), array_agg(m.msg_id), array_agg(m.read_ct), array_agg(m.enqueued_at), array_agg(m.message)
  into of_lane, ids, reads, sent_at, messages
  from unnest(lanes, counts, leases) as l (lane, wanted, lease_s)
  cross join lateral pgmq.read(l.lane, l.lease_s, l.wanted) as m;

  return query
  select m.lane, m.msg_id, m.read_ct, extract(epoch from now() - m.enqueued_at)::float8,
         d.id, d.created_at, d.status, d.msg_id is not distinct from m.msg_id, d.store_id, d.installation_id,
         d.attempts, extract(epoch from now() - d.waiting_since)::float8,
         sp.revision, sp.enabled,
         e.id, e.created_at, e.type, e.payload::text, e.occurred_at,
         e.source, e.entity_id, e.completed_at is not null, extract(epoch from now() - e.occurred_at)::float8
  from unnest(of_lane, ids, reads, sent_at, messages) as m (lane, msg_id, read_ct, enqueued_at, message)
  left join public.plugin_events_log d
    on d.id = (m.message ->> 'd')::uuid and d.created_at = (m.message ->> 'at')::timestamptz
  left join public.plugin_events e on e.id = d.event_id and e.created_at = d.event_created_at
  left join public.store_plugins sp on sp.id = d.installation_id;
end
$$;
revoke all on function pideai_host.claim(text[], integer[], integer[]) from public;
grant execute on function pideai_host.claim(text[], integer[], integer[]) to pideai_host;

alter table public.plugin_events_log drop column if exists replayed_at;
