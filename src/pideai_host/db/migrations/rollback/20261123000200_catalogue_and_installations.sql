drop table if exists pideai_host.installation_secrets;
drop table if exists public.store_plugins;
drop table if exists public.plugins;
