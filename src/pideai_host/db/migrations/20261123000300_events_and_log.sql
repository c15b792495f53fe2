-- plugin_events: each event once. plugin_events_log: one row per delivery (one event for one installation).
-- Both are partitioned by insertion time from the first day, so that old history is dropped, not deleted; therefore no
-- foreign keys to or from them, and uniqueness lives in pideai_host.event_ids, which is pruned after 14 days.
-- The partitions lie in pideai_host: in public they would be readable past their parent's row level security.

create table if not exists public.plugin_events (
  id uuid not null,
  created_at timestamptz not null default now(),
  store_id uuid not null,
  type text not null,
  payload jsonb not null,
  occurred_at timestamptz not null,
  source text not null,                 -- webhook, capture, sweep, emit
  entity_id text,                       -- the order, cart or customer it is about
  metadata jsonb not null default '{}',
  completed_at timestamptz,             -- when the payload was final; null: still to be completed (order.created)
  items_seen text,                      -- fingerprint of the items at the last look
  items_changed_at timestamptz,         -- when that fingerprint last changed
  primary key (id, created_at)
) partition by range (created_at);

create index if not exists plugin_events_store on public.plugin_events (store_id, created_at desc);

create table if not exists public.plugin_events_log (
  id uuid not null,
  store_id uuid not null,
  plugin_id uuid not null,
  event_type text not null,
  payload jsonb,                        -- of the founding document; stays null, the event holds it once
  status text not null default 'pending',
  attempts integer not null default 0,
  response_code integer,
  response_body text,
  error_message text,
  created_at timestamptz not null default now(),
  processed_at timestamptz,
  installation_id uuid not null,
  event_id uuid not null,
  event_created_at timestamptz not null,
  lane text not null,
  msg_id bigint,                        -- the message that carries it; null while parked
  next_attempt_at timestamptz,          -- parked until then; null while queued or done
  park_reason text,                     -- retry, wait, items, turn, disabled
  waiting_since timestamptz,            -- when it first asked to wait
  data jsonb,                           -- small facts of the last outcome
  history jsonb not null default '[]',  -- every attempt, in order
  replay_of uuid,
  primary key (id, created_at),
  constraint plugin_events_log_status_known
    check (status in ('pending', 'sent', 'delivered', 'failed', 'unknown', 'expired', 'cancelled'))
) partition by range (created_at);

create index if not exists plugin_events_log_store on public.plugin_events_log (store_id, created_at desc);
-- Only parked rows: small, and a delivery that is never parked never touches it (its update stays heap-only).
create index if not exists plugin_events_log_parked on public.plugin_events_log (next_attempt_at)
  where next_attempt_at is not null;

create table if not exists pideai_host.event_ids (
  id uuid primary key,
  created_at timestamptz not null default now()
);
create index if not exists event_ids_age on pideai_host.event_ids using brin (created_at);

-- Customers belong to no store: who ordered where for the first time is remembered here (customer.registered).
create table if not exists pideai_host.store_customers (
  store_id uuid not null,
  customer_id uuid not null,
  first_seen_at timestamptz not null default now(),
  primary key (store_id, customer_id)
);

-- What came in and was not understood: raw, with the reason, never lost.
create table if not exists pideai_host.quarantine (
  id uuid primary key default gen_random_uuid(),
  received_at timestamptz not null default now(),
  door text not null,
  reason text not null,
  detail text not null,
  body bytea not null
);
create index if not exists quarantine_age on pideai_host.quarantine (received_at desc);

-- Makes the partitions of this week and the next ones; calling it again does nothing. Security definer, since the
-- runtime role owns nothing and the host must not stop for want of a partition; its only input is a bounded number.
create or replace function pideai_host.ensure_partitions(weeks_ahead integer default 8) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  week_start timestamptz;
  suffix text;
  made integer := 0;
  parent text;
begin
  perform pg_advisory_xact_lock(hashtextextended('pideai_host.ensure_partitions', 0));
  for week in -1 .. least(greatest(weeks_ahead, 0), 52) loop
    week_start := date_trunc('week', now() at time zone 'utc') at time zone 'utc' + make_interval(weeks => week);
    suffix := to_char(week_start at time zone 'utc', 'IYYY"w"IW');
    foreach parent in array array['plugin_events', 'plugin_events_log'] loop
      if to_regclass(format('pideai_host.%I', parent || '_' || suffix)) is null then
        execute format(
          'create table pideai_host.%I partition of public.%I for values from (%L) to (%L) with (fillfactor = 85)',
          parent || '_' || suffix, parent, week_start, week_start + interval '1 week');
        execute format('alter table pideai_host.%I enable row level security', parent || '_' || suffix);
        made := made + 1;
      end if;
    end loop;
  end loop;
  return made;
end
$$;
revoke all on function pideai_host.ensure_partitions(integer) from public;
grant execute on function pideai_host.ensure_partitions(integer) to pideai_host;

-- The net below the partitions: a row is never refused because its week has none.
create table if not exists pideai_host.plugin_events_default partition of public.plugin_events default;
create table if not exists pideai_host.plugin_events_log_default partition of public.plugin_events_log default;
select pideai_host.ensure_partitions();

alter table public.plugin_events enable row level security;
alter table public.plugin_events_log enable row level security;
alter table pideai_host.plugin_events_default enable row level security;
alter table pideai_host.plugin_events_log_default enable row level security;
alter table pideai_host.event_ids enable row level security;
alter table pideai_host.store_customers enable row level security;
alter table pideai_host.quarantine enable row level security;

revoke all on public.plugin_events, public.plugin_events_log from public, anon, authenticated;
grant select (id, created_at, store_id, type, payload, occurred_at, source, entity_id, completed_at)
  on public.plugin_events to authenticated;
grant select (id, store_id, plugin_id, event_type, status, attempts, response_code, response_body, error_message,
              created_at, processed_at, installation_id, event_id, next_attempt_at, park_reason, history, replay_of)
  on public.plugin_events_log to authenticated;
grant select, insert, update, delete on
  public.plugin_events, public.plugin_events_log,
  pideai_host.event_ids, pideai_host.store_customers, pideai_host.quarantine
  to pideai_host;

drop policy if exists pideai_host_read on public.plugin_events;
create policy pideai_host_read on public.plugin_events for select to authenticated using (public.user_owns_store(store_id));
drop policy if exists pideai_host_read on public.plugin_events_log;
create policy pideai_host_read on public.plugin_events_log for select to authenticated using (public.user_owns_store(store_id));

do $$
declare
  target text;
begin
  foreach target in array array[
    'public.plugin_events', 'public.plugin_events_log',
    'pideai_host.event_ids', 'pideai_host.store_customers', 'pideai_host.quarantine'
  ] loop
    execute format('drop policy if exists pideai_host_all on %s', target);
    execute format('create policy pideai_host_all on %s to pideai_host using (true) with check (true)', target);
  end loop;
end
$$;
