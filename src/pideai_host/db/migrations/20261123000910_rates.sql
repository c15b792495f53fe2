-- When an installation's next call is free, for plugins that limit their rate per store: one row for all workers.
create table if not exists pideai_host.rate_slots (
  installation_id uuid primary key references public.store_plugins (id) on delete cascade,
  free_at timestamptz not null
) with (fillfactor = 50);

alter table pideai_host.rate_slots enable row level security;
grant select, insert, update, delete on pideai_host.rate_slots to pideai_host;
drop policy if exists pideai_host_all on pideai_host.rate_slots;
create policy pideai_host_all on pideai_host.rate_slots to pideai_host using (true) with check (true);
