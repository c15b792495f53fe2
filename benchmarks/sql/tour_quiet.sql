select not exists (select from pgmq.q_pideai_webhook_bridge)
  and not exists (select from pgmq.q_pideai_webhook_bridge__bulk)
  and not exists (select from pideai_host.captured_changes)
  and not exists (select from public.plugin_events_log where next_attempt_at < now() + interval '1 minute')
