-- Keep a batch of events and fan it out: the event, a delivery per enabled installation whose plugin subscribes to it,
-- a queue message per delivery. One statement, so one round trip and one transaction.
--
-- The delivery ids are UUIDv5 and therefore come from the host, made for the installations that it knows of
-- (`candidates`). The database's own rows decide which of them get a delivery (`target`); an event for which the host
-- did not know every one (`stale`) is left out whole and reported, so that the host reads again and sends it again.
-- A message goes straight into the lane's table where the host names the lane ("lane", events/statement.py), as pgmq's own
-- function would put it there, which plans its insert anew each time; else through that function.
-- `bulk`: the installation has more than its share of the main lane (events/share.py), or the event was emitted so.
with incoming as materialized (
  select *
  from rows from (
    json_to_recordset(%(events)s::json) as (
      n integer, id uuid, store_id uuid, type text, occurred_at timestamptz, source text, entity_id text, complete boolean,
      customer_id uuid, installed_by timestamptz, place bigint, trace text),
    unnest(%(payloads)s::jsonb[])
  ) as i (n, id, store_id, type, occurred_at, source, entity_id, complete, customer_id, installed_by, place, trace, payload)
),
candidate as materialized (
  select * from json_to_recordset(%(candidates)s::json) as c (n integer, delivery_id uuid, installation_id uuid, bulk boolean)
),
-- Each store's installations by their key, and plugins only for these: the planner takes a batch for a hundred events and a store
-- for having one installation, and would read all installations of all stores, or look once for each plugin that there is.
-- `offset 0` keeps him to it.
installed as (
  select i.n, i.id as event_id, i.store_id, i.type, i.entity_id, i.place, c.delivery_id, c.bulk,
         sp.id as installation_id, sp.plugin_id, sp.policy
  from incoming i
  cross join lateral (
    select s.id, s.plugin_id, s.policy
    from public.store_plugins s
    where s.store_id = i.store_id and s.enabled and (i.installed_by is null or s.installed_at <= i.installed_by)
    offset 0
  ) as sp
  left join candidate c on c.n = i.n and c.installation_id = sp.id
  offset 0
),
target as materialized (
  select o.n, o.event_id, o.store_id, o.type, o.entity_id, o.delivery_id, o.installation_id, o.plugin_id,
         'pideai_' || replace(p.slug, '-', '_') || case when o.bulk then '__bulk' else '' end as lane,
         case when coalesce((o.policy ->> 'ordered')::boolean, p.ordered) then o.place end as place
  from installed o
  join public.plugins p on p.id = o.plugin_id and p.is_active and o.type = any (p.required_events)
),
stale as materialized (
  select distinct n from target where delivery_id is null
),
--[customers
-- Who is new to a store, and by which order: the oldest one, which need not be the first to come in. Looked for once per
-- customer and store, among the store's orders since the customer's row exists. Who finds the row made meanwhile by
-- another batch takes its word; do update returns it, do nothing would not. Who is known is asked by the key, each apart: a
-- join planned while nobody was known would read the whole table ever after.
newcomer as (
  insert into pideai_host.store_customers as k (store_id, customer_id, first_order)
  select distinct on (i.store_id, i.customer_id) i.store_id, i.customer_id, coalesce(
    (select o.id
     from public.orders o
     where o.store_id = i.store_id and o.customer_id = i.customer_id and o.id <> i.entity_id::uuid
       and o.created_at < i.occurred_at
       and o.created_at >= (select c.created_at from public.customers c where c.id = i.customer_id)
     order by o.created_at, o.id
     limit 1),
    i.entity_id::uuid)
  from incoming i
  where i.customer_id is not null and i.n not in (select n from stale)
    and (select true from pideai_host.store_customers s
         where s.store_id = i.store_id and s.customer_id = i.customer_id) is null
  order by i.store_id, i.customer_id
  on conflict (store_id, customer_id) do update set first_order = k.first_order
  returning store_id, customer_id, first_order
),
--]
wanted as materialized (
  select i.*
  from incoming i
  where i.n not in (select n from stale)
    --[customers
    and (
      i.customer_id is null
      or i.entity_id = coalesce(
        (select k.first_order from newcomer k where k.store_id = i.store_id and k.customer_id = i.customer_id),
        (select s.first_order from pideai_host.store_customers s
         where s.store_id = i.store_id and s.customer_id = i.customer_id))::text)
    --]
),
-- Uniqueness: in order of id, so that two batches with the same events wait for each other instead of deadlocking.
fresh as (
  insert into pideai_host.event_ids (id)
  select id from wanted order by id
  on conflict do nothing
  returning id
),
kept as (
  insert into public.plugin_events
    (id, store_id, type, payload, occurred_at, source, entity_id, completed_at, metadata)
  select w.id, w.store_id, w.type, w.payload, w.occurred_at, w.source, w.entity_id, case when w.complete then now() end,
         case when w.trace is null then '{{}}' else jsonb_build_object('traceparent', w.trace) end
  from wanted w
  -- `is true` keeps it a look into a hash: the planner takes both for short, and would compare each with each
  where (w.id in (select id from fresh)) is true
),
delivery as materialized (
  select t.delivery_id as id, t.event_id, t.store_id, t.type, t.plugin_id, t.installation_id, t.lane, t.place, t.entity_id
  from target t
  where (t.event_id in (select id from fresh)) is true
),
-- What comes in order: which of it waits, so that it gets no message yet, and which is late. Called only if there is any.
entered as materialized (
  select e.*
  from (
    select array_agg(installation_id) as installations, array_agg(entity_id) as entities, array_agg(place) as places,
           array_agg(id) as ids
    from delivery
    where place is not null
    having count(*) > 0
  ) as o
  cross join lateral pideai_host.order_enter(o.installations, o.entities, o.places, o.ids) as e
),
ready as materialized (
  select id, lane from delivery where id not in (select delivery_id from entered where waits)
),
--[lane
{sent} as (
  insert into {queue} (vt, message)
  select clock_timestamp(), jsonb_build_object('d', id, 'at', now()) from ready where lane = {lane} order by id
  returning (message ->> 'd')::uuid as id, msg_id
),
--]
load as (
  select lane,
         array_agg(jsonb_build_object('d', id, 'at', now()) order by id) as messages,
         array_agg(id order by id) as ids
  from ready
  where lane <> all ({lanes})
  group by lane
  having to_regclass('pgmq.q_' || lane) is not null
),
message as (
  select l.ids[s.k] as id, s.msg_id
  from load l
  cross join lateral pgmq.send_batch(l.lane, l.messages) with ordinality as s (msg_id, k)
  --[lane
  union all
  select id, msg_id from {sent}
  --]
),
logged as (
  insert into public.plugin_events_log
    (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, msg_id, next_attempt_at,
     park_reason, place, is_late)
  select d.id, d.store_id, d.plugin_id, d.type, d.installation_id, d.event_id, now(), d.lane, m.msg_id,
         case when m.msg_id is null and e.waits is not true then now() end,  -- its lane is missing: parked until it exists
         case when e.waits then 'order' end, d.place, coalesce(e.is_late, false)
  from delivery d
  left join message m on m.id = d.id
  left join entered e on e.delivery_id = d.id
  returning lane, msg_id
)
select 'stale' as kind, n::text as value from stale
union all
select 'lane', lane from (select distinct lane from logged where msg_id is not null) as lanes
union all
select 'fresh', count(*)::text from fresh
