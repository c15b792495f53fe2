drop function if exists pideai_host.unserved_plugins(double precision);
alter table if exists pideai_host.processes drop column if exists plugins;
