select plugin, reason from pideai_host.plugin_quarantines order by plugin
