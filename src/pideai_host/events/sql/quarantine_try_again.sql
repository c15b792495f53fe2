-- The call that was taken was never made: another one may be tried at once.
update pideai_host.plugin_quarantines
set cool_down_s = cool_down_s / 2, until = now()
where plugin = %(plugin)s and until > now()
