drop table if exists public.plugin_events_log;
drop table if exists public.plugin_events;
drop table if exists pideai_host.event_ids;
drop table if exists pideai_host.store_customers;
drop table if exists pideai_host.quarantine;
drop function if exists pideai_host.ensure_partitions(integer);
