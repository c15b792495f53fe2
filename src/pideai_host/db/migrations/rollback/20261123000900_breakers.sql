drop index if exists public.plugin_events_log_breaker;
drop table if exists pideai_host.breakers;
