-- All jobs of plugins that had a turn, and how long ago the newest one began.
select plugin, job, interval_s, began_at, ended_at, outcome, error, took_s, turns, failures,
       extract(epoch from now() - began_at)::float8 as began_ago_s
from pideai_host.plugin_jobs
order by plugin, job
limit 1000
