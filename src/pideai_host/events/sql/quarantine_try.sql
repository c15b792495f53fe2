-- Take the one call that a plugin may try when its time is over. The quarantine goes on as if the call had ended its worker
-- already: of several workers one gets the call, and a crash leaves nothing to be written.
update pideai_host.plugin_quarantines
set cool_down_s = least(2 * cool_down_s, %(cool_down_max_s)s),
    until = now() + least(2 * cool_down_s, %(cool_down_max_s)s) * interval '1 second'
where plugin = %(plugin)s and until <= now()
returning 1
