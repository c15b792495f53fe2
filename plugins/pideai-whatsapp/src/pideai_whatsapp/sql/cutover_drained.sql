-- What the host still has to announce of the changes that were its own. A change is taken in when the captured ones of
-- before are gone and the sweep has looked beyond the instant; it is announced when its delivery is settled.
WITH switched AS (
    SELECT c.store_id, c.switched_at FROM pideai_whatsapp.cutovers c
     WHERE c.store_id = ANY (%(stores)s::uuid[]) AND c.state = 'draining'
),
swept AS (
    SELECT min(position) AS position FROM pideai_host.sweep_cursors WHERE name IN ('orders', 'order_status_history')
)
SELECT s.store_id,
       (SELECT count(*)
          FROM pideai_host.captured_changes c
         WHERE c.captured_at <= s.switched_at AND c.record ->> 'store_id' = s.store_id::text) AS captured,
       coalesce((SELECT position FROM swept), '-infinity') >= s.switched_at AS is_swept,
       (SELECT count(*)
          FROM public.plugin_events_log l
          JOIN public.plugins p ON p.id = l.plugin_id AND p.slug = 'whatsapp'
         WHERE l.store_id = s.store_id AND l.status = 'pending'
           AND l.created_at > s.switched_at - interval '1 day'
           AND l.created_at <= s.switched_at + interval '15 minutes'
           AND l.event_type LIKE 'order.%%') AS pending
  FROM switched s
