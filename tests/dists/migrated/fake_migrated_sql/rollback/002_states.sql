drop function open_count();
drop view open_pickups;
alter table pickups drop column state;
