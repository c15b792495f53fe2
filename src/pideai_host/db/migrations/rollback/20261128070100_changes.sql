drop index if exists pideai_host.notices_changes;
alter table if exists pideai_host.notices drop column if exists xid;
drop function if exists pideai_host.late_change(timestamptz);
drop index if exists public.plugin_events_log_late;
alter table if exists public.plugin_events_log drop column if exists late_xid, drop column if exists changed_xid;
