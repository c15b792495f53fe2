drop index if exists pideai_host.plugin_storage_by_key;
alter table if exists public.plugin_events_log drop column if exists receipt;
