-- What users and stores have spent of a minute's requests. A process takes a slice of the minute in one statement and
-- spends it by itself, so most requests write nothing. Unlogged: after a crash of the server a minute begins anew.
create unlogged table if not exists pideai_host.request_windows (
  kind text not null,                   -- user, store
  id uuid not null,
  number bigint not null,               -- of the window, counted since 1970 by the database's clock
  spent bigint not null,                -- slices taken by all processes, more than the limit when some were refused
  primary key (kind, id),
  constraint request_windows_kind_known check (kind in ('user', 'store'))
) with (fillfactor = 50);

alter table pideai_host.request_windows enable row level security;
grant select, insert, update, delete on pideai_host.request_windows to pideai_host;
drop policy if exists pideai_host_all on pideai_host.request_windows;
create policy pideai_host_all on pideai_host.request_windows to pideai_host using (true) with check (true);
