-- What became of plugins' jobs: one row a job, so that whoever takes the lead knows what is due, and an operator what failed.
create table if not exists pideai_host.plugin_jobs (
  plugin text not null,
  job text not null,
  interval_s double precision not null,
  began_at timestamptz not null,        -- the newest turn
  ended_at timestamptz,                 -- of the newest turn that ended
  outcome text,                         -- ok, failed, timeout
  error text,                           -- for the operator; null when it went well
  took_s double precision,
  turns bigint not null default 0,      -- that ended
  failures bigint not null default 0,   -- in a row
  primary key (plugin, job)
) with (fillfactor = 50);

alter table pideai_host.plugin_jobs enable row level security;
revoke all on pideai_host.plugin_jobs from public;
grant select, insert, update, delete on pideai_host.plugin_jobs to pideai_host;
drop policy if exists pideai_host_all on pideai_host.plugin_jobs;
create policy pideai_host_all on pideai_host.plugin_jobs to pideai_host using (true) with check (true);
