select plugin, reason, until <= now() as is_due from pideai_host.plugin_quarantines
