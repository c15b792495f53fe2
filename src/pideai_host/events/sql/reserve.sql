-- Reserve a slot for each call of a batch, in its order: one every 1 / rate seconds and installation, across all workers.
-- Returns how long each has to wait. What was parked for its slot has it already: it keeps its park_reason when promoted.
with wanted as materialized (
  select b.id, d.installation_id, b.per_s, row_number() over (partition by d.installation_id order by b.n) as k
  from unnest(%(ids)s::uuid[], %(times)s::timestamptz[], %(rates)s::float8[]) with ordinality as b (id, created_at, per_s, n)
  join public.plugin_events_log d on d.id = b.id and d.created_at = b.created_at
  join public.store_plugins sp on sp.id = d.installation_id
  where d.park_reason is distinct from 'rate'
    -- by primary key, in the partitions of these instants only (promote.sql)
    and d.id = any (%(ids)s::uuid[])
    and d.created_at between (select min(t) from unnest(%(times)s::timestamptz[]) as t)
                         and (select max(t) from unnest(%(times)s::timestamptz[]) as t)
),
demand as (
  select installation_id, count(*) as calls, min(per_s) as per_s from wanted group by installation_id
),
reserved as (
  insert into pideai_host.rate_slots as s (installation_id, free_at)
  select installation_id, now() + calls * interval '1 second' / per_s
  from demand
  order by installation_id
  on conflict (installation_id) do update
  set free_at = greatest(s.free_at, now()) + (excluded.free_at - now())
  returning s.installation_id, s.free_at
)
select w.id,
       extract(epoch from r.free_at - now())::float8 - (d.calls - w.k + 1) / d.per_s as wait_s
from wanted w
join demand d on d.installation_id = w.installation_id
join reserved r on r.installation_id = w.installation_id
