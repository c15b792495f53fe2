-- What an operator looks at: which processes live, and how full the lanes are. Both are as small as what they tell of.

create table if not exists pideai_host.processes (
  id uuid primary key,
  host text not null,
  pid integer not null,
  version text not null,
  takes_events boolean not null,
  makes_deliveries boolean not null,
  leads boolean not null,               -- runs the scheduler's jobs
  quarantined jsonb not null default '{}', -- plugins that it leaves alone by itself -> why
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
) with (fillfactor = 50);

-- Written by the scheduler; nobody counts a lane for each who asks.
create table if not exists pideai_host.lane_depths (
  lane text primary key,
  ready bigint not null,                -- may be claimed now
  claimed bigint not null,              -- a worker has them
  oldest_at timestamptz,                -- of the ready ones
  is_capped boolean not null,           -- there are more than were counted
  looked_at timestamptz not null default now()
) with (fillfactor = 50);

-- Counts the oldest messages of each lane, so many at most.
create or replace function pideai_host.look_at_lanes(most integer)
returns table (lane text, ready bigint, claimed bigint, oldest_at timestamptz, is_capped boolean)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  name text;
begin
  for name in select queue_name from pgmq.meta where queue_name ~ '^pideai_[a-z0-9_]{2,40}$' order by queue_name loop
    continue when to_regclass(format('pgmq.%I', 'q_' || name)) is null;
    return query execute format(
      'select %L::text, count(*) filter (where vt <= now()), count(*) filter (where vt > now()),
              min(enqueued_at) filter (where vt <= now()), count(*) >= $1
       from (select vt, enqueued_at from pgmq.%I order by msg_id limit $1) as oldest',
      name, 'q_' || name) using most;
  end loop;
end
$$;
revoke all on function pideai_host.look_at_lanes(integer) from public;
grant execute on function pideai_host.look_at_lanes(integer) to pideai_host;

do $$
declare
  target text;
begin
  foreach target in array array['processes', 'lane_depths'] loop
    execute format('alter table pideai_host.%I enable row level security', target);
    execute format('grant select, insert, update, delete on pideai_host.%I to pideai_host', target);
    execute format('drop policy if exists pideai_host_all on pideai_host.%I', target);
    execute format('create policy pideai_host_all on pideai_host.%I to pideai_host using (true) with check (true)', target);
  end loop;
end
$$;
