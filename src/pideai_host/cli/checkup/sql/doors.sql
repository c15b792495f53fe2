-- What tells of orders: webhooks of Supabase on the table, and our capture triggers.
select exists (select from pg_trigger t join pg_proc p on p.oid = t.tgfoid
               where t.tgrelid = to_regclass('public.orders') and not t.tgisinternal and t.tgenabled <> 'D'
                 and p.proname in ('http_request', 'http_post')) as has_webhook,
       exists (select from pg_trigger t join pg_proc p on p.oid = t.tgfoid
               where t.tgrelid = to_regclass('public.orders') and not t.tgisinternal and t.tgenabled <> 'D'
                 and p.proname = 'capture_change') as has_capture,
       to_regclass('public.orders') is not null as has_orders,
       (select extract(epoch from now() - min(captured_at))::double precision from (
          select captured_at from pideai_host.captured_changes order by id limit 1) as oldest) as oldest_s
