-- A range of deliveries that is being replayed, or was: what was asked for, how far it is, what became of it. The cursor is
-- written by the transaction that replays what lies before it, so that a crash leaves both or neither.

create table if not exists pideai_host.replays (
  id uuid primary key,
  store_id uuid references public.stores (id) on delete cascade, -- null: all stores, which only the operator asks for
  requested_by text not null,
  plugin text,                          -- slug; null: all
  event_types text[] not null default '{}', -- none: all
  statuses text[] not null default '{}',
  only_untaken boolean not null default false, -- events that nobody took, instead of deliveries
  since timestamptz not null,
  until timestamptz not null,           -- exclusive
  per_s real not null,
  total bigint not null,                -- when it began
  total_is_exact boolean not null,      -- or more than that
  status text not null default 'running',
  done bigint not null default 0,       -- deliveries or events that were dealt with, the skipped ones included
  replayed bigint not null default 0,   -- deliveries that go again
  skipped jsonb not null default '{}',  -- why -> how many
  results jsonb not null default '{}',  -- of the replayed: status, or parked -> how many
  error text,                           -- why the last piece of work failed; null when it went well
  at_store uuid,                        -- the cursor: all up to here is dealt with
  at_time timestamptz,
  at_id uuid,
  is_read boolean not null default false, -- whether the cursor is at the end
  paced_at timestamptz not null default now(), -- until when its rate is used up
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint replays_status_known check (status in ('running', 'done', 'cancelled')),
  constraint replays_rate_positive check (per_s > 0)
);
create index if not exists replays_running on pideai_host.replays (paced_at) where status = 'running';
create index if not exists replays_store on pideai_host.replays (store_id, created_at desc);

-- What a running replay has put into a lane and nobody has settled yet: never more than a few hundred rows each.
create table if not exists pideai_host.replay_watch (
  replay_id uuid not null references pideai_host.replays (id) on delete cascade,
  id uuid not null,
  created_at timestamptz not null,
  primary key (replay_id, id, created_at)
);

alter table pideai_host.replays enable row level security;
alter table pideai_host.replay_watch enable row level security;
revoke all on pideai_host.replays, pideai_host.replay_watch from public;
grant select, insert, update, delete on pideai_host.replays, pideai_host.replay_watch to pideai_host;
drop policy if exists pideai_host_all on pideai_host.replays;
create policy pideai_host_all on pideai_host.replays to pideai_host using (true) with check (true);
drop policy if exists pideai_host_all on pideai_host.replay_watch;
create policy pideai_host_all on pideai_host.replay_watch to pideai_host using (true) with check (true);
