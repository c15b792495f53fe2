drop function if exists pideai_host.claim_ready(text[], integer[], integer[]);
drop function if exists pideai_host.order_leave(uuid[], text[], uuid[]);
drop function if exists pideai_host.order_begin(uuid[], text[], bigint[], uuid[], boolean[]);
drop function if exists pideai_host.order_enter(uuid[], text[], bigint[], uuid[]);
drop table if exists pideai_host.ordered_deliveries;
drop table if exists pideai_host.ordered_entities;
alter table if exists public.plugin_events_log drop column if exists is_late;
alter table if exists public.plugin_events_log drop column if exists place;
