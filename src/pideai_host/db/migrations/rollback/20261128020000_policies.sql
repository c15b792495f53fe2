alter table if exists public.store_plugins drop column if exists policy;
alter table if exists public.plugins drop column if exists ordered;
