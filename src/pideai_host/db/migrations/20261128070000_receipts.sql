-- A delivery that a provider accepted is settled by what the provider reports later. A report that comes before the worker
-- has written that it was accepted waits here: {"status", "error", "data"}.
alter table public.plugin_events_log add column if not exists receipt jsonb;

-- Which stores keep something under a key: how a provider's call finds its stores.
create index if not exists plugin_storage_by_key on pideai_host.plugin_storage (plugin, key);
