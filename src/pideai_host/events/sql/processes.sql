-- Processes that said that they live, not longer than a day ago; `is_alive` if that was lately.
select id, host, pid, version, takes_events, makes_deliveries, plugins, leads, quarantined, started_at, seen_at,
       seen_at > now() - make_interval(secs => %(silence_s)s) as is_alive
from pideai_host.processes
order by started_at, id
limit 1000
