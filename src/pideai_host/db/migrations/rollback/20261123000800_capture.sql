-- The triggers first, wherever they are; whoever uses such a table is waited for, but nobody for long.
do $$
declare
  made record;
begin
  set local lock_timeout = '2s';
  for made in
    select tgname, tgrelid::regclass as of_table from pg_trigger
    where tgfoid = to_regprocedure('pideai_host.capture_change()')
  loop
    execute format('drop trigger %I on %s', made.tgname, made.of_table);
  end loop;
end
$$;
drop function if exists pideai_host.capture_change();
drop table if exists pideai_host.captured_changes;
