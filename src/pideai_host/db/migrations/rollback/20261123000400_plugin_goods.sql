drop table if exists pideai_host.notices;
drop table if exists pideai_host.credit_ledger;
drop table if exists pideai_host.credit_holds;
drop table if exists pideai_host.credits;
drop table if exists pideai_host.plugin_storage;
