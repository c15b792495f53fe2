-- How far the third door, the sweep, has read: everything up to `position` is final and was looked at. One row a table.
create table if not exists pideai_host.sweep_cursors (
  name text primary key,
  position timestamptz not null,
  updated_at timestamptz not null default now()
);
alter table pideai_host.sweep_cursors enable row level security;
revoke all on pideai_host.sweep_cursors from public;
grant select, insert, update on pideai_host.sweep_cursors to pideai_host;
drop policy if exists pideai_host_all on pideai_host.sweep_cursors;
create policy pideai_host_all on pideai_host.sweep_cursors to pideai_host using (true) with check (true);
