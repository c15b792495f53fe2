-- Why a configuration of an older version could not be brought up to what its plugin's code wants, and when it is tried
-- again. The configuration itself is left as it was.
alter table public.store_plugins
  add column if not exists config_fault text,            -- for the owner; null: none
  add column if not exists config_due_at timestamptz;
grant select (config_fault) on public.store_plugins to authenticated;
