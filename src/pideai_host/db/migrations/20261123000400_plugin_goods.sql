-- What plugins keep through their context: storage, credits with their ledger, notices to the owner.

create table if not exists pideai_host.plugin_storage (
  store_id uuid not null references public.stores (id) on delete cascade,
  plugin text not null,
  key text not null,
  value jsonb not null,
  updated_at timestamptz not null default now(),
  primary key (store_id, plugin, key),
  -- The host keeps values to 64 KiB of JSON, which can be several times that as jsonb: this is the net below.
  constraint plugin_storage_value_bounded check (pg_column_size(value) <= 1048576)
);

create table if not exists pideai_host.credits (
  store_id uuid not null references public.stores (id) on delete cascade,
  plugin text not null,
  monthly_credits integer not null default 0,
  extra_credits integer not null default 0,
  used_this_month integer not null default 0,
  month date not null default date_trunc('month', now() at time zone 'utc')::date,
  updated_at timestamptz not null default now(),
  primary key (store_id, plugin),
  constraint credits_never_negative check (monthly_credits >= 0 and extra_credits >= 0 and used_this_month >= 0)
);

-- One row per delivery that took a credit: what makes reserve, charge and refund happen once. Store and plugin are part
-- of the key, so that no hold is ever found for another store's delivery.
create table if not exists pideai_host.credit_holds (
  store_id uuid not null,
  plugin text not null,
  delivery_id uuid not null,
  credit_type text not null,
  state text not null,
  updated_at timestamptz not null default now(),
  primary key (store_id, plugin, delivery_id),
  constraint credit_holds_type_known check (credit_type in ('monthly', 'extra')),
  constraint credit_holds_state_known check (state in ('reserved', 'charged', 'refunded'))
);

create table if not exists pideai_host.credit_ledger (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  store_id uuid not null,
  plugin text not null,
  delivery_id uuid,
  movement text not null,
  credit_type text not null,
  amount integer not null,              -- what it changes: -1 reserve, 1 refund, 0 charge
  available integer not null,           -- what is left after it
  constraint credit_ledger_movement_known check (movement in ('reserve', 'charge', 'refund', 'grant'))
);
create index if not exists credit_ledger_store on pideai_host.credit_ledger (store_id, plugin, id desc);

create table if not exists pideai_host.notices (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  store_id uuid not null references public.stores (id) on delete cascade,
  plugin text not null,
  level text not null default 'info',
  message text not null,
  constraint notices_level_known check (level in ('info', 'warning', 'error'))
);
create index if not exists notices_store on pideai_host.notices (store_id, id desc);

do $$
declare
  target text;
begin
  foreach target in array array['plugin_storage', 'credits', 'credit_holds', 'credit_ledger', 'notices'] loop
    execute format('alter table pideai_host.%I enable row level security', target);
    execute format('grant select, insert, update, delete on pideai_host.%I to pideai_host', target);
    execute format('drop policy if exists pideai_host_all on pideai_host.%I', target);
    execute format('create policy pideai_host_all on pideai_host.%I to pideai_host using (true) with check (true)', target);
  end loop;
end
$$;
