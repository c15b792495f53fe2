select count(*) from public.plugin_events_log where created_at >= %(since)s and status <> 'delivered'
