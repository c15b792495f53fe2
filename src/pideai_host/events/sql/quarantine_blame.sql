-- Note a crash that is proven, and quarantine its plugin if there were too many lately. A crash is counted once, however
-- often it is found. Answers the reason if that quarantined the plugin, or kept it quarantined. What is old is forgotten.
with forgotten as (
  delete from pideai_host.plugin_crashes where found_at < now() - interval '30 days'
),
noted as (
  insert into pideai_host.plugin_crashes (delivery_id, msg_id, plugin)
  values (%(delivery_id)s, %(msg_id)s, %(plugin)s)
  on conflict do nothing
  returning 1
),
lately as (
  select (select count(*) from noted)
         + (select count(*) from pideai_host.plugin_crashes
            where plugin = %(plugin)s and found_at > now() - %(window_s)s * interval '1 second') as crashes
)
insert into pideai_host.plugin_quarantines as q (plugin, reason, until, cool_down_s)
select %(plugin)s,
       format('ended %%s workers within %%s minutes', crashes, round(%(window_s)s::numeric / 60)),
       now() + %(cool_down_s)s * interval '1 second',
       %(cool_down_s)s
from lately
where crashes >= %(crashes_max)s
on conflict (plugin) do update set until = q.until -- as long as it is; the row is answered
returning q.reason
