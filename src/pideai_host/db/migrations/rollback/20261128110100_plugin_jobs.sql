drop table if exists pideai_host.plugin_jobs;
