drop table if exists pideai_host.plugin_quarantines;
drop table if exists pideai_host.plugin_crashes;
