-- What the runtime role may see and do in the shop's own tables, each by a grant and a policy of ours.
-- Production differs a little from any copy, so a table that is not there is passed over; nothing existing is changed.

do $$
declare
  wanted record;
begin
  for wanted in
    select * from (values
      ('stores', 'select'), ('orders', 'select'), ('order_items', 'select'), ('order_item_extras', 'select'),
      ('customers', 'select'), ('order_status_history', 'select'), ('exchange_rates', 'select'),
      ('payment_methods', 'select'), ('menu_items', 'select'),
      ('abandoned_carts', 'select'), ('abandoned_carts', 'update'),
      ('whatsapp_settings', 'select'), ('whatsapp_settings', 'insert'), ('whatsapp_settings', 'update'),
      ('whatsapp_message_templates', 'select'), ('whatsapp_message_templates', 'insert'),
      ('whatsapp_message_templates', 'update'),
      ('whatsapp_messages', 'select'), ('whatsapp_messages', 'insert'), ('whatsapp_messages', 'update'),
      ('whatsapp_credits', 'select'), ('whatsapp_credits', 'insert'), ('whatsapp_credits', 'update'),
      ('whatsapp_campaigns', 'select'), ('whatsapp_campaigns', 'update')
    ) as list (table_name, command)
    where to_regclass('public.' || table_name) is not null
  loop
    execute format('grant %s on public.%I to pideai_host', wanted.command, wanted.table_name);
    execute format('drop policy if exists %I on public.%I', 'pideai_host_' || wanted.command, wanted.table_name);
    execute format(
      'create policy %I on public.%I for %s to pideai_host %s',
      'pideai_host_' || wanted.command, wanted.table_name, wanted.command,
      case wanted.command
        when 'select' then 'using (true)'
        when 'insert' then 'with check (true)'
        else 'using (true) with check (true)'
      end);
  end loop;
end
$$;
