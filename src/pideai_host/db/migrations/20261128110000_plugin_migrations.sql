-- What was applied of each plugin's own migrations, and why the last try failed. Written by the owner, who migrates; read by
-- every process that starts, which does without a plugin whose schema is not what its code expects.
create table if not exists pideai_host.plugin_migrations (
  plugin text not null,
  name text not null,
  checksum text not null,               -- of the file as it was applied
  applied_at timestamptz not null default now(),
  primary key (plugin, name)
);

create table if not exists pideai_host.plugin_migration_faults (
  plugin text primary key,
  error text not null,                  -- for the operator
  at timestamptz not null default now()
);

alter table pideai_host.plugin_migrations enable row level security;
alter table pideai_host.plugin_migration_faults enable row level security;
revoke all on pideai_host.plugin_migrations, pideai_host.plugin_migration_faults from public;
grant select on pideai_host.plugin_migrations, pideai_host.plugin_migration_faults to pideai_host;
drop policy if exists pideai_host_read on pideai_host.plugin_migrations;
create policy pideai_host_read on pideai_host.plugin_migrations for select to pideai_host using (true);
drop policy if exists pideai_host_read on pideai_host.plugin_migration_faults;
create policy pideai_host_read on pideai_host.plugin_migration_faults for select to pideai_host using (true);
