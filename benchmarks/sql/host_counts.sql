select array[
  (select count(*) from public.plugin_events where created_at >= %(since)s),
  (select count(*) from public.plugin_events_log where created_at >= %(since)s),
  (select count(*) from pgmq.q_pideai_webhook_bridge) + (select count(*) from pgmq.q_pideai_webhook_bridge__bulk)]
