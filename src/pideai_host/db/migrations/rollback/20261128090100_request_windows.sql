drop table if exists pideai_host.request_windows;
