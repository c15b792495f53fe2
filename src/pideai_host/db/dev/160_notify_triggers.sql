-- The six triggers that the host replaces: each calls the send-whatsapp-message edge function through pg_net.
--
-- Production swallows every error of theirs as a WARNING. Here pg_net is always missing unless a test puts its own
-- net.http_post in place, and a WARNING for each status change would be noise: the level is DEBUG.

create or replace function public.get_supabase_url() returns text
language plpgsql stable security definer set search_path = public as $$
begin
  return (select s.value from public.system_settings s where s.key = 'supabase_url');
end
$$;

create or replace function pideai_dev.notify_order(p_order public.orders, p_message_type text, p_variables jsonb)
returns void language plpgsql as $$
declare
  v_settings public.whatsapp_settings;
begin
  select * into v_settings from public.whatsapp_settings w where w.store_id = p_order.store_id;
  if not found then
    return;
  end if;
  -- NOT null is null: a null flag does not stop the message, as in production.
  if not v_settings.is_enabled
    or not v_settings.is_connected
    or not (to_jsonb(v_settings) ->> ('auto_' || p_message_type))::boolean
  then
    return;
  end if;

  perform net.http_post(
    url := public.get_supabase_url() || '/functions/v1/send-whatsapp-message',
    headers := jsonb_build_object(
      'Content-Type', 'application/json',
      'Authorization',
      'Bearer ' || (select s.value from public.system_settings s where s.key = 'supabase_service_role_key')
    ),
    body := jsonb_build_object(
      'storeId', p_order.store_id,
      'orderId', p_order.id,
      'customerPhone', p_order.customer_phone,
      'customerName', p_order.customer_name,
      'messageType', p_message_type,
      'variables', p_variables
    )
  );
exception when others then
  raise debug 'notify_%_whatsapp: %', p_message_type, sqlerrm;
end
$$;

create or replace function public.notify_order_confirmed_whatsapp() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.status = 'confirmed' and old.status is distinct from new.status then
    perform pideai_dev.notify_order(new, 'order_confirmation', jsonb_build_object(
      'customer_name', new.customer_name,
      'order_number', left(new.id::text, 8),
      'order_total', '$' || new.total_amount,
      'estimated_time', case new.order_type
        when 'delivery' then '45-60 minutos' when 'pickup' then '20-30 minutos' else '30-45 minutos'
      end,
      'store_name', (select s.name from public.stores s where s.id = new.store_id),
      'order_type', new.order_type,
      'delivery_address', new.delivery_address
    ));
  end if;
  return new;
end
$$;

create or replace function public.notify_order_preparing_whatsapp() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.status = 'preparing' and old.status is distinct from new.status then
    perform pideai_dev.notify_order(new, 'order_preparing', jsonb_build_object(
      'customer_name', new.customer_name,
      'order_number', left(new.id::text, 8),
      'order_type', new.order_type
    ));
  end if;
  return new;
end
$$;

create or replace function public.notify_order_ready_whatsapp() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_store public.stores;
begin
  if new.status = 'ready' and old.status is distinct from new.status then
    select * into v_store from public.stores s where s.id = new.store_id;
    perform pideai_dev.notify_order(new, 'order_ready', jsonb_build_object(
      'customer_name', new.customer_name,
      'order_number', left(new.id::text, 8),
      'delivery_message', case new.order_type
        when 'delivery' then 'Tu pedido está en camino a: ' || coalesce(new.delivery_address, '')
        when 'pickup' then 'Puedes recoger tu pedido en: ' || coalesce(v_store.address, '')
        else 'Tu pedido está listo'
      end,
      'store_name', v_store.name,
      'order_type', new.order_type
    ));
  end if;
  return new;
end
$$;

create or replace function public.notify_order_out_for_delivery_whatsapp() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.status = 'out_for_delivery' and old.status is distinct from new.status then
    perform pideai_dev.notify_order(new, 'order_out_for_delivery', jsonb_build_object(
      'customer_name', new.customer_name,
      'order_number', left(new.id::text, 8),
      'delivery_address', new.delivery_address
    ));
  end if;
  return new;
end
$$;

create or replace function public.notify_order_delivered_whatsapp() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.status = 'delivered' and old.status is distinct from new.status then
    perform pideai_dev.notify_order(new, 'order_delivered', jsonb_build_object(
      'customer_name', new.customer_name,
      'order_number', left(new.id::text, 8)
    ));
  end if;
  return new;
end
$$;

create or replace function public.notify_order_cancelled_whatsapp() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.status = 'cancelled' and old.status is distinct from new.status then
    perform pideai_dev.notify_order(new, 'order_cancelled', jsonb_build_object(
      'customer_name', new.customer_name,
      'order_number', left(new.id::text, 8),
      'order_total', new.total_amount::text
    ));
  end if;
  return new;
end
$$;

do $$
declare
  v_status text;
begin
  foreach v_status in array array['cancelled', 'confirmed', 'delivered', 'out_for_delivery', 'preparing', 'ready'] loop
    execute format(
      'create or replace trigger trigger_notify_order_%1$s_whatsapp after update on public.orders
       for each row execute function public.notify_order_%1$s_whatsapp()',
      v_status
    );
  end loop;
end
$$;
