-- What has changed since: each row of the delivery log, and each notice, carries the transaction that changed it last. Who
-- reads only what finished transactions wrote, in the order of their ids, misses nothing and reads nothing twice
-- (docs/adr/0035).
--
-- changed_xid is in no index, so that an update stays heap-only: what changed of a row that is young is found among the
-- store's young rows. late_xid is null in those; who changes an older row sets it, and finds it by an index that has
-- nothing else.
alter table public.plugin_events_log add column if not exists changed_xid xid8;
alter table public.plugin_events_log add column if not exists late_xid xid8;
alter table public.plugin_events_log alter column changed_xid set default pg_current_xact_id();
create index if not exists plugin_events_log_late on public.plugin_events_log (store_id, late_xid)
  where late_xid is not null;

-- The transaction, for a row that is not young any more. Simple enough for the planner to put it in place.
create or replace function pideai_host.late_change(created_at timestamptz) returns xid8
language sql stable as $$
  select case when created_at < now() - interval '1 hour' then pg_current_xact_id() end
$$;
revoke all on function pideai_host.late_change(timestamptz) from public;
grant execute on function pideai_host.late_change(timestamptz) to pideai_host;

alter table pideai_host.notices add column if not exists xid xid8;
alter table pideai_host.notices alter column xid set default pg_current_xact_id();
create index if not exists notices_changes on pideai_host.notices (store_id, xid);
