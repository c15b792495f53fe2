-- The Database Webhook that tells the PideAI host of every new and changed order.
--
-- In the dashboard: Database > Webhooks > Create a new hook
--   name         pideai_host_orders
--   table        public.orders, events Insert and Update
--   type         HTTP Request, POST, URL {url}
--   timeout      5000 ms
--   HTTP header  X-PideAI-Webhook-Secret: one of the values in the host's PIDEAI_WEBHOOK_SECRETS
--
-- Or by SQL, once Webhooks are switched on in the dashboard (that makes the schema supabase_functions). Put the secret
-- in place of <secret>; to rotate it, give the host both values, run this again with the new one, then drop the old.

drop trigger if exists pideai_host_orders on public.orders;

create trigger pideai_host_orders
after insert or update on public.orders
for each row
execute function supabase_functions.http_request(
  '{url}',
  'POST',
  '{"Content-Type": "application/json", "X-PideAI-Webhook-Secret": "<secret>"}',
  '{}',
  '5000'
);
