do $$
begin
  if to_regclass('pideai_host.migrations') is not null then
    drop policy if exists pideai_host_read on pideai_host.migrations;
    revoke select on pideai_host.migrations from pideai_host;
  end if;
end
$$;
