-- Tracking code, status history and stock: the database's own work, which the host never repeats.

-- Not a definer: a signed-in customer sees only own orders, so the look for a taken code is partial, as in production.
create or replace function public.set_tracking_code() returns trigger language plpgsql as $$
declare
  v_alphabet constant text := 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  v_code text;
begin
  if new.tracking_code is not null then
    return new;
  end if;

  loop
    select string_agg(substr(v_alphabet, 1 + floor(random() * 32)::integer, 1), '') into v_code
    from generate_series(1, 8);
    exit when not exists (select 1 from public.orders o where o.tracking_code = v_code);
  end loop;
  new.tracking_code = v_code;
  return new;
end
$$;

create or replace trigger orders_set_tracking_code before insert on public.orders
for each row execute function public.set_tracking_code();

create or replace function public.log_initial_order_status() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.order_status_history (order_id, store_id, from_status, to_status, changed_by)
  values (new.id, new.store_id, null, new.status, auth.uid());
  return new;
end
$$;

create or replace trigger order_initial_status_trigger after insert on public.orders
for each row execute function public.log_initial_order_status();

create or replace function public.log_order_status_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if old.status is distinct from new.status then
    insert into public.order_status_history (order_id, store_id, from_status, to_status, changed_by)
    values (new.id, new.store_id, old.status, new.status, auth.uid());
  end if;
  return new;
end
$$;

create or replace trigger order_status_change_trigger after update on public.orders
for each row execute function public.log_order_status_change();

-- Moves the stock of every tracked item of an order by its quantity, up or down.
create or replace function pideai_dev.move_stock(p_order public.orders, p_direction integer, p_change_type text)
returns void language plpgsql as $$
begin
  if not exists (select 1 from public.stores s where s.id = p_order.store_id and s.is_food_business = false) then
    return;
  end if;

  with moved as (
    select i.menu_item_id, p_direction * sum(i.quantity)::integer as change
    from public.order_items i
    join public.menu_items m on m.id = i.menu_item_id
    where i.order_id = p_order.id and m.track_stock and m.stock_quantity is not null
    group by i.menu_item_id
  ),
  stock as (
    update public.menu_items m
    set stock_quantity = m.stock_quantity + moved.change
    from moved
    where m.id = moved.menu_item_id
  )
  insert into public.stock_history (store_id, menu_item_id, order_id, change_type, quantity_change)
  select p_order.store_id, moved.menu_item_id, p_order.id, p_change_type, moved.change
  from moved;
end
$$;

-- Not guarded against a second time: confirmed, pending, confirmed takes the stock twice, and it may go below 0.
create or replace function public.reduce_stock_on_order_confirmed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.status = 'confirmed' and old.status is distinct from 'confirmed' then
    perform pideai_dev.move_stock(new, -1, 'order');
  end if;
  return new;
end
$$;

create or replace trigger trigger_reduce_stock_on_order_confirmed after update on public.orders
for each row execute function public.reduce_stock_on_order_confirmed();

create or replace function public.restore_stock_on_order_cancelled() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.status = 'cancelled' and old.status in ('confirmed', 'preparing', 'ready', 'out_for_delivery') then
    perform pideai_dev.move_stock(new, 1, 'restock');
  end if;
  return new;
end
$$;

create or replace trigger trigger_restore_stock_on_order_cancelled after update on public.orders
for each row execute function public.restore_stock_on_order_cancelled();
