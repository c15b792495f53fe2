-- Lanes as the leading process saw them last.
select lane, ready, extract(epoch from now() - oldest_at)::double precision as oldest_s,
       extract(epoch from now() - looked_at)::double precision as seen_s
from pideai_host.lane_depths
where ready > 0
order by oldest_at
