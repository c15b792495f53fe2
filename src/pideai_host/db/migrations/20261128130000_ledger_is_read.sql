-- The runtime role may read which migrations were applied, so that a process says at its start which ones wait. Where another
-- tool applied the files there is no ledger of ours, and nothing to read.
do $$
begin
  if to_regclass('pideai_host.migrations') is not null then
    grant select on pideai_host.migrations to pideai_host;
    drop policy if exists pideai_host_read on pideai_host.migrations;
    create policy pideai_host_read on pideai_host.migrations for select to pideai_host using (true);
  end if;
end
$$;
