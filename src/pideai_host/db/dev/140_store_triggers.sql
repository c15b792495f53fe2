-- updated_at everywhere; what a new store is given; what follows a change of plan.

create or replace function public.update_updated_at_column() returns trigger language plpgsql as $$
begin
  new.updated_at = now();
  return new;
end
$$;

-- payment_methods and menu_items have none in production: their updated_at never moves.
do $$
declare
  v_table text;
begin
  foreach v_table in array array[
    'stores', 'orders', 'customers', 'abandoned_carts', 'whatsapp_settings', 'whatsapp_message_templates',
    'whatsapp_credits', 'whatsapp_campaigns', 'subscriptions', 'subscription_plans', 'platform_admins', 'drivers',
    'delivery_assignments', 'store_ai_credits'
  ] loop
    execute format(
      'create or replace trigger update_%1$s_updated_at before update on public.%1$I
       for each row execute function public.update_updated_at_column()',
      v_table
    );
  end loop;
end
$$;

create or replace function public.update_exchange_rate_timestamp() returns trigger language plpgsql as $$
begin
  new.last_updated = now();
  return new;
end
$$;

create or replace trigger set_exchange_rate_timestamp before update on public.exchange_rates
for each row execute function public.update_exchange_rate_timestamp();

create or replace function public.prevent_reserved_subdomain() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select 1 from public.reserved_subdomains r where r.subdomain = lower(new.subdomain)) then
    raise exception 'Subdomain "%" is reserved', new.subdomain using errcode = 'check_violation';
  end if;
  return new;
end
$$;

create or replace trigger trigger_prevent_reserved_subdomain before insert or update of subdomain on public.stores
for each row execute function public.prevent_reserved_subdomain();

-- The columns have defaults, so this acts only on an explicit null.
create or replace function public.set_default_whatsapp_templates() returns trigger language plpgsql as $$
begin
  new.order_product_template = coalesce(
    new.order_product_template, E'{product-qty}x {product-name} ({product-price})\n{product-extras}'
  );
  new.order_message_template_delivery = coalesce(
    new.order_message_template_delivery,
    E'*Pedido #{order-number}*\n\n{order-products}\n\nEnvío: {shipping-price}\n*Total: {order-total}*\n\n'
    '{customer-name}\n{customer-phone}\n{customer-address}\n\nPago: {payment-method}\n{order-track-page}'
  );
  new.order_message_template_pickup = coalesce(
    new.order_message_template_pickup,
    E'*Pedido #{order-number}*\n\n{order-products}\n\n*Total: {order-total}*\n\n{customer-name}\n{customer-phone}'
  );
  new.order_message_template_digital_menu = coalesce(
    new.order_message_template_digital_menu,
    E'*Pedido #{order-number}* Mesa {order-table}\n\n{order-products}\n\n*Total: {order-total}*'
  );
  return new;
end
$$;

create or replace trigger set_whatsapp_templates_on_store_creation before insert on public.stores
for each row execute function public.set_default_whatsapp_templates();

create or replace function public.assign_admin_role_to_store_owner() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.user_roles (user_id, role) values (new.owner_id, 'admin') on conflict do nothing;
  return new;
end
$$;

create or replace trigger assign_admin_role_on_store_creation after insert on public.stores
for each row execute function public.assign_admin_role_to_store_owner();

create or replace function public.assign_free_plan_to_new_store() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.subscriptions (store_id, plan_id, status, current_period_end, enabled_modules)
  select new.id, p.id, 'active', now() + interval '1 year', '{"delivery": false, "whatsapp": false}'
  from public.subscription_plans p
  where p.name = 'free'
  on conflict (store_id) do nothing;

  insert into public.store_ai_credits (store_id, monthly_credits) values (new.id, 5) on conflict (store_id) do nothing;
  return new;
end
$$;

create or replace trigger assign_free_plan_on_store_creation after insert on public.stores
for each row execute function public.assign_free_plan_to_new_store();

create or replace function public.enable_trial_modules() returns trigger language plpgsql as $$
begin
  if new.status = 'trial' then
    new.enabled_modules = '{"delivery": true, "whatsapp": true}';
  end if;
  return new;
end
$$;

create or replace trigger trg_enable_trial_modules before insert on public.subscriptions
for each row execute function public.enable_trial_modules();

create or replace function public.audit_subscription_changes() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.subscription_audit_log (subscription_id, store_id, action, old_values, new_values, performed_by)
  values (
    new.id, new.store_id, lower(tg_op), case when tg_op = 'UPDATE' then to_jsonb(old) end, to_jsonb(new), auth.uid()
  );
  return new;
end
$$;

create or replace trigger trigger_audit_subscription_changes after insert or update on public.subscriptions
for each row execute function public.audit_subscription_changes();

create or replace function public.sync_ai_credits_on_plan_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.store_ai_credits c
  set
    monthly_credits = coalesce(
      (p.limits ->> 'max_ai_credits_per_month')::integer, (p.limits ->> 'ai_monthly_credits')::integer,
      c.monthly_credits
    ),
    credits_used_this_month = 0,
    last_reset_date = current_date
  from public.subscription_plans p
  where c.store_id = new.store_id and p.id = new.plan_id and new.plan_id is distinct from old.plan_id;
  return new;
end
$$;

create or replace trigger trigger_sync_ai_credits_on_plan_change after update of plan_id on public.subscriptions
for each row execute function public.sync_ai_credits_on_plan_change();
