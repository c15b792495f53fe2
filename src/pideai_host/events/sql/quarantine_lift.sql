-- Let workers call a plugin again, its crashes forgotten. Answers nothing if it was not quarantined.
with forgotten as (
  delete from pideai_host.plugin_crashes where plugin = %(plugin)s
)
delete from pideai_host.plugin_quarantines where plugin = %(plugin)s returning 1
