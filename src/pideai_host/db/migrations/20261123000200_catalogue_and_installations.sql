-- plugins: what can be installed. store_plugins: what a store has installed. The columns of the founding document
-- (original-design.md 1.1) first, ours after them.

create table if not exists public.plugins (
  id uuid primary key default gen_random_uuid(),
  slug text unique not null,
  name text not null,
  description text,
  type text not null,
  version text default '1.0.0',
  icon_url text,
  is_internal boolean default true,
  is_active boolean default true,
  config_schema jsonb,
  required_events text[],
  pricing_model text default 'free',
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  config_version integer not null default 1,
  module text,
  constraint plugins_slug_format check (slug ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' and length(slug) between 2 and 32),
  constraint plugins_type_known check (type in ('notification', 'payment', 'delivery', 'analytics', 'integration')),
  constraint plugins_pricing_known check (pricing_model in ('free', 'paid', 'per_use'))
);

create table if not exists public.store_plugins (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null references public.stores (id) on delete cascade,
  plugin_id uuid not null references public.plugins (id) on delete cascade,
  config jsonb not null default '{}',
  enabled boolean not null default true,
  priority integer default 0,
  webhook_url text,
  webhook_secret text, -- sealed by the host, never in clear
  installed_at timestamptz default now(),
  updated_at timestamptz default now(),
  config_version integer not null default 1,
  revision bigint not null default 1, -- rises with every change, so that a worker knows when its copy is old
  unique (store_id, plugin_id)
);

create index if not exists idx_store_plugins_plugin on public.store_plugins (plugin_id);

-- Sealed values of an installation: JSON pointer of the field -> sealed text. Apart from the row that owners read.
create table if not exists pideai_host.installation_secrets (
  installation_id uuid not null references public.store_plugins (id) on delete cascade,
  field text not null,
  sealed text not null,
  updated_at timestamptz not null default now(),
  primary key (installation_id, field)
);

alter table public.plugins enable row level security;
alter table public.store_plugins enable row level security;
alter table pideai_host.installation_secrets enable row level security;

-- Supabase grants everything in public to anon and authenticated by default; RLS hides no column.
revoke all on public.plugins, public.store_plugins from public, anon, authenticated;
grant select on public.plugins to authenticated;
grant select (id, store_id, plugin_id, config, enabled, priority, webhook_url, installed_at, updated_at, config_version)
  on public.store_plugins to authenticated;
grant select, insert, update, delete on public.plugins, public.store_plugins, pideai_host.installation_secrets to pideai_host;

drop policy if exists pideai_host_read on public.plugins;
create policy pideai_host_read on public.plugins for select to authenticated using (is_active);
drop policy if exists pideai_host_all on public.plugins;
create policy pideai_host_all on public.plugins to pideai_host using (true) with check (true);

drop policy if exists pideai_host_read on public.store_plugins;
create policy pideai_host_read on public.store_plugins for select to authenticated using (public.user_owns_store(store_id));
drop policy if exists pideai_host_all on public.store_plugins;
create policy pideai_host_all on public.store_plugins to pideai_host using (true) with check (true);

drop policy if exists pideai_host_all on pideai_host.installation_secrets;
create policy pideai_host_all on pideai_host.installation_secrets to pideai_host using (true) with check (true);
