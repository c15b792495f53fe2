-- A store that confirms orders by WhatsApp: its phone linked, its text with the order's number in it, credits for all.
with settings as (
  update public.whatsapp_settings set is_enabled = true, is_connected = true, auto_order_confirmation = true
  where store_id = %(store_id)s
),
texts as (
  update public.whatsapp_message_templates
  set message_body = 'Hola {customer_name}, recibimos tu pedido ' || %(mark)s || '{order_number}. Total: {order_total}.',
      is_active = true
  where store_id = %(store_id)s and template_type = 'order_confirmation'
),
credits as (
  update public.whatsapp_credits set monthly_credits = 1000000, credits_used_this_month = 0
  where store_id = %(store_id)s
)
insert into public.store_plugins (store_id, plugin_id, config)
select %(store_id)s, p.id, %(config)s::jsonb
from public.plugins p
where p.slug = 'whatsapp'
returning id
