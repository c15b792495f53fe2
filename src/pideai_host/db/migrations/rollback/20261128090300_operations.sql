drop function if exists pideai_host.look_at_lanes(integer);
drop table if exists pideai_host.lane_depths;
drop table if exists pideai_host.processes;
