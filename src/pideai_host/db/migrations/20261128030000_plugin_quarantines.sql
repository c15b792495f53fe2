-- Plugins that end the processes they run in: crashes that were proven, and the plugins that all workers leave alone for
-- them. Written only when a worker has ended, read by each worker every other second: as small as what crashes.

create table if not exists pideai_host.plugin_crashes (
  delivery_id uuid not null,
  msg_id bigint not null,               -- of the message whose call was begun and never ended
  plugin text not null,
  found_at timestamptz not null default now(),
  primary key (delivery_id, msg_id)
);
create index if not exists plugin_crashes_plugin on pideai_host.plugin_crashes (plugin, found_at);

create table if not exists pideai_host.plugin_quarantines (
  plugin text primary key,
  reason text not null,                 -- for the operator
  since timestamptz not null default now(),
  until timestamptz not null,           -- then one call is tried
  cool_down_s double precision not null -- doubles with each try
);

alter table pideai_host.plugin_crashes enable row level security;
alter table pideai_host.plugin_quarantines enable row level security;
grant select, insert, update, delete on pideai_host.plugin_crashes, pideai_host.plugin_quarantines to pideai_host;
drop policy if exists pideai_host_all on pideai_host.plugin_crashes;
create policy pideai_host_all on pideai_host.plugin_crashes to pideai_host using (true) with check (true);
drop policy if exists pideai_host_all on pideai_host.plugin_quarantines;
create policy pideai_host_all on pideai_host.plugin_quarantines to pideai_host using (true) with check (true);
