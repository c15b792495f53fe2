-- Whether the host would learn of an order, and make its deliveries.
SELECT (SELECT count(*) = 2
          FROM pg_catalog.pg_trigger t
         WHERE t.tgrelid = to_regclass('public.orders') AND t.tgenabled IN ('O', 'A')
           AND t.tgname IN ('pideai_host_capture_insert', 'pideai_host_capture_update')) AS is_captured,
       (SELECT max(e.created_at)
          FROM public.plugin_events e
         WHERE e.source = 'webhook' AND e.created_at > now() - interval '1 day') AS webhook_heard_at,
       EXISTS (SELECT FROM pideai_host.processes p
                WHERE p.makes_deliveries AND p.seen_at > now() - interval '60 seconds') AS has_worker,
       EXISTS (SELECT FROM pideai_host.processes p
                WHERE p.leads AND p.seen_at > now() - interval '60 seconds') AS has_scheduler
