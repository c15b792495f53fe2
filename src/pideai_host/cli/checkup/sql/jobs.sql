-- Plugins' jobs whose newest turn of the last day did not end well.
select plugin, job, outcome, left(coalesce(error, 'no reason given'), 160) as error, failures
from pideai_host.plugin_jobs
where outcome <> 'ok' and began_at > now() - interval '1 day'
order by failures desc, plugin, job
limit 20
