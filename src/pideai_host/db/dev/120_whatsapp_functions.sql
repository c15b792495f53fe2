-- WhatsApp credits and default templates, with production's oddities: no caller check, no row lock.

create or replace function public.check_and_reset_whatsapp_credits(p_store_id uuid)
returns table (monthly_credits integer, extra_credits integer, credits_used integer, credits_available integer)
language plpgsql security definer as $$
begin
  -- Not by ON CONFLICT, which would wait for another caller's update and so lock what production does not lock.
  if not exists (select 1 from public.whatsapp_credits c where c.store_id = p_store_id) then
    insert into public.whatsapp_credits (store_id) values (p_store_id);
  end if;

  update public.whatsapp_credits c
  set credits_used_this_month = 0, last_reset_date = current_date
  where c.store_id = p_store_id and c.last_reset_date < date_trunc('month', current_date)::date;

  return query
    select
      c.monthly_credits, c.extra_credits, c.credits_used_this_month,
      c.monthly_credits - c.credits_used_this_month + c.extra_credits
    from public.whatsapp_credits c
    where c.store_id = p_store_id;
end
$$;

-- Reads first and writes later without a lock: two callers at once spend one credit twice, as in production.
create or replace function public.use_whatsapp_credit(p_store_id uuid)
returns table (success boolean, credit_type text, remaining_credits integer, error_message text)
language plpgsql security definer as $$
declare
  v_credits record;
  v_used integer;
begin
  select * into v_credits from public.check_and_reset_whatsapp_credits(p_store_id);

  if v_credits.credits_available <= 0 then
    return query select false, null::text, 0, 'No credits available'::text;
    return;
  end if;

  select c.credits_used_this_month into v_used from public.whatsapp_credits c where c.store_id = p_store_id;

  if v_credits.monthly_credits - v_used > 0 then
    update public.whatsapp_credits c
    set credits_used_this_month = c.credits_used_this_month + 1
    where c.store_id = p_store_id;
    return query select true, 'monthly'::text, v_credits.credits_available - 1, null::text;
  else
    update public.whatsapp_credits c set extra_credits = c.extra_credits - 1 where c.store_id = p_store_id;
    return query select true, 'extra'::text, v_credits.credits_available - 1, null::text;
  end if;
end
$$;

create or replace function public.initialize_whatsapp_templates(p_store_id uuid) returns void
language plpgsql security definer as $$
begin
  insert into public.whatsapp_message_templates (store_id, template_type, template_name, message_body, is_active)
  values
    (p_store_id, 'order_confirmation', 'Confirmación de pedido',
     $t$¡Hola {customer_name}! 👋

✅ Tu pedido *#{order_number}* ha sido confirmado.

💰 Total: {order_total}
⏱️ Tiempo estimado: {estimated_time}

¡Gracias por tu compra en {store_name}!$t$, true),
    (p_store_id, 'order_preparing', 'Pedido en preparación',
     $t$¡Hola {customer_name}! 👨‍🍳

Tu pedido *#{order_number}* ya se está preparando. Te avisaremos cuando esté listo.$t$, true),
    (p_store_id, 'order_ready', 'Pedido listo',
     $t$¡Hola {customer_name}! 🎉

Tu pedido *#{order_number}* está listo.

{delivery_message}

{store_name}$t$, true),
    (p_store_id, 'order_out_for_delivery', 'Pedido en camino',
     $t$¡Hola {customer_name}! 🛵

Tu pedido *#{order_number}* va en camino a:
📍 {delivery_address}$t$, true),
    (p_store_id, 'order_delivered', 'Pedido entregado',
     $t$¡Hola {customer_name}! 📦

Tu pedido *#{order_number}* fue entregado. ¡Buen provecho y gracias por preferirnos!$t$, true),
    (p_store_id, 'order_cancelled', 'Pedido cancelado',
     $t$Hola {customer_name},

Lamentamos informarte que tu pedido *#{order_number}* por {order_total} fue cancelado.

Si tienes dudas, escríbenos.$t$, false),
    (p_store_id, 'abandoned_cart', 'Carrito abandonado',
     $t$¡Hola {customer_name}! 🛒

Dejaste productos en tu carrito en {store_name} por un total de {cart_total}.

Completa tu pedido aquí: {recovery_link}$t$, true),
    (p_store_id, 'promotion', 'Promoción',
     $t$¡Hola {customer_name}! 🔥

{promotion_message}

Haz tu pedido aquí: {store_link}$t$, true)
  on conflict (store_id, template_type) do nothing;
end
$$;
