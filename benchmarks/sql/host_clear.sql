delete from public.plugin_events_log where created_at >= %(since)s;
delete from public.plugin_events where created_at >= %(since)s;
delete from pideai_host.event_ids where created_at >= %(since)s;
truncate pgmq.q_pideai_webhook_bridge, pgmq.q_pideai_webhook_bridge__bulk
