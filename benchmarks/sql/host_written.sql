-- The tables that take what comes now: this week's partitions, the ids, the bridge's lanes, the shop's orders.
select format('%I.%I', n.nspname, c.relname)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relname = any (array[
  'plugin_events_' || to_char(now() at time zone 'utc', 'IYYY"w"IW'),
  'plugin_events_log_' || to_char(now() at time zone 'utc', 'IYYY"w"IW'),
  'event_ids', 'q_pideai_webhook_bridge', 'q_pideai_webhook_bridge__bulk', 'orders', 'order_items'])
  and n.nspname in ('pideai_host', 'pgmq', 'public')
