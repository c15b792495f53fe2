drop table if exists pideai_host.rate_slots;
