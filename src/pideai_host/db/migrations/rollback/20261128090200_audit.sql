drop function if exists pideai_host.forget_audit(integer, integer);
drop table if exists pideai_host.audit;
drop function if exists pideai_host.keep_audit();
