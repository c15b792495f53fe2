-- A lane is a pgmq queue that holds only what is ready. Made by the owner (`pideai-host plugins sync`), used by the
-- runtime role, closed to everybody else.

create or replace function pideai_host.ensure_lane(lane text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if lane !~ '^pideai_[a-z0-9_]{2,40}$' then
    raise exception 'lane % is not a name that the host makes', lane;
  end if;

  if not exists (select from pgmq.meta where queue_name = lane) then
    perform pgmq.create(lane);
  end if;

  execute format('alter table pgmq.%I enable row level security', 'q_' || lane);
  execute format('alter table pgmq.%I enable row level security', 'a_' || lane);
  execute format('revoke all on pgmq.%I, pgmq.%I from public', 'q_' || lane, 'a_' || lane);
  execute format('grant select, insert, update, delete on pgmq.%I to pideai_host', 'q_' || lane);
  execute format('drop policy if exists pideai_host_all on pgmq.%I', 'q_' || lane);
  execute format('create policy pideai_host_all on pgmq.%I to pideai_host using (true) with check (true)', 'q_' || lane);
  -- Each message is an insert, an update and a delete: without this a busy lane is mostly dead rows (supabase.md 3.4).
  execute format(
    'alter table pgmq.%I set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0)',
    'q_' || lane);
end
$$;
revoke all on function pideai_host.ensure_lane(text) from public;

do $$
begin
  if to_regnamespace('pgmq') is null then
    raise exception 'pgmq is not installed in this database'
      using hint = 'pideai-host migrate --pgmq installs it; on Supabase switch on Queues in the dashboard.';
  end if;

  grant usage on schema pgmq to pideai_host;
  grant select on pgmq.meta to pideai_host;
end
$$;
