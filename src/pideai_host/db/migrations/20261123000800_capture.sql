-- The second door (DESIGN.md 4.1): what changed, raw, written in the transaction that changed it. The table and the
-- function are made here; the triggers on the shop's tables only by `pideai-host supabase capture enable`.
--
-- Whatever happens in here, the customer's order goes through:
--   - every error is swallowed, and told in the server's log by its SQLSTATE alone;
--   - it waits for a lock at most 100 ms, once in a transaction. lock_timeout and not statement_timeout, since WHEN OTHERS
--     does not catch a cancelled statement, and one that was cancelled has to stay cancelled;
--   - no NOTIFY, which would make all that commit wait for one another;
--   - nothing locks the table exclusively: so no truncation by vacuum either, and this file leaves a table that is there
--     as it is.

do $$
begin
  if to_regclass('pideai_host.captured_changes') is not null then
    return;
  end if;

  create table pideai_host.captured_changes (
    id bigint generated always as identity primary key,
    captured_at timestamptz not null default now(),
    operation text not null,
    table_schema text not null,
    table_name text not null,
    record json not null,          -- as text: it is only passed on
    old_record json
  ) with (
    vacuum_truncate = false, toast.vacuum_truncate = false,
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
  );
  alter table pideai_host.captured_changes enable row level security;
  create policy pideai_host_all on pideai_host.captured_changes to pideai_host using (true) with check (true);
  revoke all on pideai_host.captured_changes from public;
  grant select, update, delete on pideai_host.captured_changes to pideai_host; -- update: to lock a row
end
$$;

create or replace function pideai_host.capture_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
begin
  if current_setting('pideai_host.capture_gave_up', true) = 'yes' then
    return null; -- it waited in vain for another row of this transaction
  end if;

  insert into pideai_host.captured_changes (operation, table_schema, table_name, record, old_record)
  values (tg_op, tg_table_schema, tg_table_name, row_to_json(new), case when tg_op = 'UPDATE' then row_to_json(old) end);
  return null;
exception
  when lock_not_available then
    perform set_config('pideai_host.capture_gave_up', 'yes', true);
    raise log 'pideai_host: a change of %.% was not captured: its table is locked', tg_table_schema, tg_table_name;
    return null;
  when others then
    raise log 'pideai_host: a change of %.% was not captured: SQLSTATE %', tg_table_schema, tg_table_name, sqlstate;
    return null;
end
$$;
revoke all on function pideai_host.capture_change() from public;
