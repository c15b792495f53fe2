alter table pickups add column state text not null default 'new';
create view open_pickups with (security_invoker) as select * from pickups where state = 'new';
create function open_count() returns bigint language sql as 'select count(*) from pideai_migrated.open_pickups';
