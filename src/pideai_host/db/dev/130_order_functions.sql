-- Orders made and changed by the panel and by the driver's app.

-- The owner's form. Extras go to order_item_extras only; order_items.extras stays null, unlike the storefront's orders.
create or replace function public.admin_create_order(
  p_store_id uuid,
  p_customer_id uuid,
  p_customer_name text,
  p_customer_email text,
  p_customer_phone text,
  p_order_type text,
  p_total_amount numeric,
  p_items jsonb,
  p_delivery_address text default null,
  p_notes text default null,
  p_payment_method text default null,
  p_delivery_price numeric default 0
)
returns table (order_id uuid, order_number text, success boolean, error_message text)
language plpgsql security definer as $$
declare
  v_order_id uuid;
begin
  if not public.user_owns_store(p_store_id) then
    raise exception 'Unauthorized: you do not own this store';
  end if;
  if p_order_type is null or p_order_type not in ('delivery', 'pickup', 'dine_in') then
    raise exception 'Invalid order type: %', p_order_type;
  end if;
  if p_items is null or jsonb_array_length(p_items) = 0 then
    raise exception 'Order must have at least one item';
  end if;

  insert into public.orders (
    store_id, user_id, customer_id, customer_name, customer_email, customer_phone, order_type, total_amount,
    delivery_address, notes, payment_method, delivery_price, status
  )
  values (
    p_store_id, auth.uid(), p_customer_id, p_customer_name, p_customer_email, p_customer_phone, p_order_type,
    p_total_amount, p_delivery_address, p_notes, p_payment_method, p_delivery_price, 'pending'
  )
  returning orders.id into v_order_id;

  perform pideai_dev.insert_order_items(v_order_id, p_items);

  return query select v_order_id, upper(left(v_order_id::text, 8)), true, null::text;
exception when others then
  return query select null::uuid, null::text, false, sqlerrm;
end
$$;

-- A status change comes before the new items, so every trigger sees the old ones.
create or replace function public.admin_update_order(
  p_order_id uuid,
  p_items jsonb default null,
  p_total_amount numeric default null,
  p_status text default null,
  p_notes text default null,
  p_payment_method text default null,
  p_delivery_address text default null
)
returns table (success boolean, error_message text)
language plpgsql security definer as $$
declare
  v_order public.orders;
begin
  select * into v_order from public.orders o where o.id = p_order_id;
  if not found or not public.user_owns_store(v_order.store_id) then
    raise exception 'Unauthorized: you do not own this order';
  end if;
  if v_order.status not in ('pending', 'confirmed', 'preparing') then
    raise exception 'Order can no longer be edited in status %', v_order.status;
  end if;

  update public.orders o
  set
    status = coalesce(p_status, o.status),
    total_amount = coalesce(p_total_amount, o.total_amount),
    notes = coalesce(p_notes, o.notes),
    payment_method = coalesce(p_payment_method, o.payment_method),
    delivery_address = coalesce(p_delivery_address, o.delivery_address)
  where o.id = p_order_id;

  if p_items is not null then
    delete from public.order_items i where i.order_id = p_order_id;
    perform pideai_dev.insert_order_items(p_order_id, p_items);
  end if;

  return query select true, null::text;
exception when others then
  return query select false, sqlerrm;
end
$$;

-- Items as the panel sends them: menu_item_id, item_name, price_at_time, quantity, extras [{name, price}].
-- `"extras": null` is refused by jsonb_array_elements, as in production.
create or replace function pideai_dev.insert_order_items(p_order_id uuid, p_items jsonb) returns void
language plpgsql as $$
declare
  v_item jsonb;
  v_item_id uuid;
begin
  for v_item in select e.value from jsonb_array_elements(p_items) e loop
    insert into public.order_items (order_id, menu_item_id, item_name, price_at_time, quantity)
    values (
      p_order_id, (v_item ->> 'menu_item_id')::uuid, v_item ->> 'item_name', (v_item ->> 'price_at_time')::numeric,
      (v_item ->> 'quantity')::integer
    )
    returning id into v_item_id;

    insert into public.order_item_extras (order_item_id, extra_name, extra_price)
    select v_item_id, e.value ->> 'name', (e.value ->> 'price')::numeric
    from jsonb_array_elements(v_item -> 'extras') e;
  end loop;
end
$$;

-- The driver's app calls this as anon: nobody asks who it is, and a pick-up sets the order back to preparing.
create or replace function public.update_delivery_status(
  p_assignment_id uuid, p_status text, p_notes text default null
)
returns boolean
language plpgsql security definer as $$
declare
  v_order_id uuid;
begin
  update public.delivery_assignments a
  set
    status = p_status,
    delivery_notes = coalesce(p_notes, a.delivery_notes),
    picked_up_at = case when p_status = 'picked_up' then now() else a.picked_up_at end,
    delivered_at = case when p_status = 'delivered' then now() else a.delivered_at end
  where a.id = p_assignment_id
  returning a.order_id into v_order_id;

  if not found then
    return false;
  end if;

  if p_status = 'delivered' then
    update public.orders o set status = 'delivered' where o.id = v_order_id;
  elsif p_status in ('picked_up', 'in_transit') then
    update public.orders o set status = 'preparing' where o.id = v_order_id;
  end if;
  return true;
end
$$;
