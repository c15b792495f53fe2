drop table if exists pideai_host.sweep_cursors;
