-- Order per entity (an order, say), for installations that ask for it: a delivery begins only when none is pending whose
-- place is lower. A place is the event's version and the rank of its type, as one number (events/ordering.py).
--
-- Two tables, so that the log needs no index for it, and nothing is written for installations that do not ask:
-- ordered_deliveries has what is pending and in order; ordered_entities how far each entity has come, and is what all that
-- decides about an entity locks first, in the order of its key. The decisions are functions because each statement of a
-- function has a snapshot of its own: what is read after the lock was awaited is what its last holder left.

alter table public.plugin_events_log add column if not exists place bigint; -- null: it is in no order
alter table public.plugin_events_log add column if not exists is_late boolean not null default false;
grant select (is_late) on public.plugin_events_log to authenticated;

create table if not exists pideai_host.ordered_entities (
  installation_id uuid not null,
  entity_id text not null,
  begun bigint not null default -9223372036854775808, -- the highest place that was begun: what comes below it is late
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (installation_id, entity_id)
) with (fillfactor = 80);
create index if not exists ordered_entities_age on pideai_host.ordered_entities using brin (created_at);

create table if not exists pideai_host.ordered_deliveries (
  installation_id uuid not null,
  entity_id text not null,
  place bigint not null,
  delivery_id uuid not null,
  delivery_created_at timestamptz not null,
  primary key (installation_id, entity_id, place, delivery_id)
);

do $$
declare
  target text;
begin
  foreach target in array array['ordered_entities', 'ordered_deliveries'] loop
    execute format('alter table pideai_host.%I enable row level security', target);
    execute format('grant select, insert, update, delete on pideai_host.%I to pideai_host', target);
    execute format('drop policy if exists pideai_host_all on pideai_host.%I', target);
    execute format('create policy pideai_host_all on pideai_host.%I to pideai_host using (true) with check (true)', target);
    execute format(
      'alter table pideai_host.%I set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)', target);
  end loop;
end
$$;

-- Take new deliveries in, in the transaction that writes them: which of them wait, which are late. A late one takes no
-- part any more: it goes at once, and nobody waits for it.
create or replace function pideai_host.order_enter(installations uuid[], entities text[], places bigint[], deliveries uuid[])
returns table (delivery_id uuid, waits boolean, is_late boolean)
language plpgsql rows 10 set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  insert into pideai_host.ordered_entities (installation_id, entity_id)
  select distinct g.installation_id, g.entity_id
  from unnest(installations, entities) as g (installation_id, entity_id)
  order by 1, 2
  on conflict (installation_id, entity_id) do update set updated_at = excluded.updated_at;

  insert into pideai_host.ordered_deliveries (installation_id, entity_id, place, delivery_id, delivery_created_at)
  select g.installation_id, g.entity_id, g.place, g.delivery_id, now()
  from unnest(installations, entities, places, deliveries) as g (installation_id, entity_id, place, delivery_id)
  join pideai_host.ordered_entities e on e.installation_id = g.installation_id and e.entity_id = g.entity_id
  where g.place >= e.begun;

  return query
  select g.delivery_id,
         o.delivery_id is not null and exists (
           select from pideai_host.ordered_deliveries p
           where p.installation_id = g.installation_id and p.entity_id = g.entity_id and p.place < g.place),
         o.delivery_id is null
  from unnest(installations, entities, places, deliveries) as g (installation_id, entity_id, place, delivery_id)
  left join pideai_host.ordered_deliveries o
    on o.installation_id = g.installation_id and o.entity_id = g.entity_id
    and o.place = g.place and o.delivery_id = g.delivery_id;
end
$$;

-- Say which of a claimed batch have to wait, since one before them is pending after all; the others that are `called` are
-- begun by this: what comes below them from now on is late. One that is in no order (a replay) never waits.
create or replace function pideai_host.order_begin(
  installations uuid[], entities text[], places bigint[], deliveries uuid[], called boolean[])
returns setof uuid
language plpgsql rows 10 set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  waiting uuid[];
begin
  perform from pideai_host.ordered_entities e
  where (e.installation_id, e.entity_id) in (
    select g.installation_id, g.entity_id from unnest(installations, entities) as g (installation_id, entity_id))
  order by e.installation_id, e.entity_id
  for update;

  waiting := array(
    select g.delivery_id
    from unnest(installations, entities, places, deliveries) as g (installation_id, entity_id, place, delivery_id)
    join pideai_host.ordered_deliveries o
      on o.installation_id = g.installation_id and o.entity_id = g.entity_id
      and o.place = g.place and o.delivery_id = g.delivery_id
    where exists (
      select from pideai_host.ordered_deliveries p
      where p.installation_id = g.installation_id and p.entity_id = g.entity_id and p.place < g.place));

  update pideai_host.ordered_entities e
  set begun = b.place, updated_at = now()
  from (
    select g.installation_id, g.entity_id, max(g.place) as place
    from unnest(installations, entities, places, deliveries, called)
      as g (installation_id, entity_id, place, delivery_id, is_called)
    where g.is_called and g.delivery_id <> all (waiting)
    group by g.installation_id, g.entity_id
  ) as b
  where e.installation_id = b.installation_id and e.entity_id = b.entity_id and e.begun < b.place;

  return query select unnest(waiting);
end
$$;

-- Let go of deliveries that are not pending any more, and send what waited for them: of each entity what is first now.
-- Harmless for deliveries that are pending still and for entities where nothing changed, so anybody may call it again.
-- Answers with the lanes that got messages.
create or replace function pideai_host.order_leave(installations uuid[], entities text[], deliveries uuid[])
returns setof text
language plpgsql rows 10 set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  perform from pideai_host.ordered_entities e
  where (e.installation_id, e.entity_id) in (
    select g.installation_id, g.entity_id from unnest(installations, entities) as g (installation_id, entity_id))
  order by e.installation_id, e.entity_id
  for update;

  delete from pideai_host.ordered_deliveries o
  using unnest(installations, entities, deliveries) as g (installation_id, entity_id, delivery_id)
  where o.installation_id = g.installation_id and o.entity_id = g.entity_id and o.delivery_id = g.delivery_id
    and not exists (
      select from public.plugin_events_log d
      where d.id = o.delivery_id and d.created_at = o.delivery_created_at and d.status = 'pending');

  return query
  with first as materialized (
    select f.delivery_id, f.delivery_created_at
    from (
      select distinct g.installation_id, g.entity_id
      from unnest(installations, entities) as g (installation_id, entity_id)
    ) as g
    cross join lateral (
      select o.delivery_id, o.delivery_created_at, o.place, min(o.place) over () as least
      from pideai_host.ordered_deliveries o
      where o.installation_id = g.installation_id and o.entity_id = g.entity_id
    ) as f
    where f.place = f.least
  ),
  ready as materialized (
    select d.id, d.created_at, d.lane
    from first f
    join public.plugin_events_log d on d.id = f.delivery_id and d.created_at = f.delivery_created_at
    where d.status = 'pending' and d.park_reason = 'order' and d.msg_id is null and d.next_attempt_at is null
    for update of d
  ),
  load as (
    select lane,
           array_agg(jsonb_build_object('d', id, 'at', created_at) order by id) as messages,
           array_agg(id order by id) as ids,
           array_agg(created_at order by id) as times
    from ready
    group by lane
    having to_regclass('pgmq.q_' || lane) is not null
  ),
  message as (
    select l.ids[s.k] as id, l.times[s.k] as created_at, s.msg_id
    from load l
    cross join lateral pgmq.send_batch(l.lane, l.messages) with ordinality as s (msg_id, k)
  ),
  sent as (
    update public.plugin_events_log d
    set msg_id = m.msg_id, park_reason = null,
        next_attempt_at = case when m.msg_id is null then now() end -- its lane is missing: parked until it exists
    from ready r
    left join message m on m.id = r.id and m.created_at = r.created_at
    where d.id = r.id and d.created_at = r.created_at
    returning d.lane, d.msg_id
  )
  select distinct lane from sent where msg_id is not null;
end
$$;

do $$
declare
  target text;
begin
  foreach target in array array[
    'order_enter(uuid[], text[], bigint[], uuid[])',
    'order_begin(uuid[], text[], bigint[], uuid[], boolean[])',
    'order_leave(uuid[], text[], uuid[])'
  ] loop
    execute format('revoke all on function pideai_host.%s from public', target);
    execute format('grant execute on function pideai_host.%s to pideai_host', target);
  end loop;
end
$$;

-- The claim of 20261128010000, which also tells a delivery's place and whether it is late. That one stays for the workers of
-- before, since a function cannot come to tell more under its name.
create or replace function pideai_host.claim_ready(lanes text[], counts integer[], leases integer[])
returns table (
  lane text, msg_id bigint, read_ct integer, enqueued_s double precision,
  id uuid, created_at timestamptz, status text, is_current boolean, store_id uuid, installation_id uuid,
  attempts integer, waited_s double precision,
  revision bigint, enabled boolean,
  event_id uuid, event_created_at timestamptz, type text, payload text, occurred_at timestamptz,
  source text, entity_id text, is_complete boolean, age_s double precision,
  place bigint, is_late boolean
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
         e.source, e.entity_id, e.completed_at is not null,
         extract(epoch from now() - greatest(e.occurred_at, d.replayed_at))::float8,
         d.place, d.is_late
  from unnest(of_lane, ids, reads, sent_at, messages) as m (lane, msg_id, read_ct, enqueued_at, message)
  left join public.plugin_events_log d
    on d.id = (m.message ->> 'd')::uuid and d.created_at = (m.message ->> 'at')::timestamptz
  left join public.plugin_events e on e.id = d.event_id and e.created_at = d.event_created_at
  left join public.store_plugins sp on sp.id = d.installation_id;
end
$$;
revoke all on function pideai_host.claim_ready(text[], integer[], integer[]) from public;
grant execute on function pideai_host.claim_ready(text[], integer[], integer[]) to pideai_host;
