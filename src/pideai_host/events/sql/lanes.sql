-- The lanes as the scheduler saw them last.
select lane, ready, claimed, is_capped, oldest_at, looked_at from pideai_host.lane_depths order by lane
