truncate public.plugin_events, public.plugin_events_log, pideai_host.event_ids, public.orders, public.order_items,
  pideai_host.breakers,
  pgmq.q_pideai_webhook_bridge, pgmq.q_pideai_webhook_bridge__bulk cascade
