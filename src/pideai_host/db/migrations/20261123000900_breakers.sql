-- Breakers that are open, or were until lately: what the workers share of them. Written on transitions only, read by each
-- worker once a second, forgotten some time after the recovery; so the table stays as small as what is broken.

create table if not exists pideai_host.breakers (
  installation_id uuid primary key references public.store_plugins (id) on delete cascade,
  store_id uuid not null,
  plugin text not null,
  phase text not null,
  version integer not null default 1,   -- rises with every transition: of several workers one makes it
  openings integer not null,            -- in a row
  reason text,                          -- the last failure, for the owner
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  until timestamptz not null,           -- open: probe then; half open: look after the probe then; closed: forget then
  revision bigint not null,             -- the installation's when it opened: a changed one is probed at once
  probe_id uuid,                        -- the delivery that is let through while half open
  probe_created_at timestamptz,
  is_drained boolean not null default true,  -- closed: whether what was parked has been made due
  constraint breakers_phase_known check (phase in ('open', 'half_open', 'closed'))
);
create index if not exists breakers_store on pideai_host.breakers (store_id);

alter table pideai_host.breakers enable row level security;
grant select, insert, update, delete on pideai_host.breakers to pideai_host;
drop policy if exists pideai_host_all on pideai_host.breakers;
create policy pideai_host_all on pideai_host.breakers to pideai_host using (true) with check (true);

-- Only what a breaker parked: a delivery that no breaker ever parks never touches it (its updates stay heap-only).
create index if not exists plugin_events_log_breaker on public.plugin_events_log (installation_id, created_at)
  where park_reason = 'breaker' and next_attempt_at is null;
