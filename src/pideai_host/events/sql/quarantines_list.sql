select q.plugin, q.reason, q.since, q.until,
       (select count(*) from pideai_host.plugin_crashes c where c.plugin = q.plugin)::integer as crashes
from pideai_host.plugin_quarantines q
order by q.since, q.plugin
