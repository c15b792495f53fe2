alter table if exists public.store_plugins
  drop column if exists config_due_at,
  drop column if exists config_fault;
