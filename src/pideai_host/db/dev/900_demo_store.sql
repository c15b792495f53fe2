-- One store that is ready to sell and to send: what the demo and the tests start from.

-- Answers null when the subdomain is another owner's store; an existing store of the owner is left as it is.
create or replace function pideai_dev.create_demo_store(
  p_owner_id uuid, p_owner_email text, p_subdomain text, p_name text
)
returns uuid
language plpgsql set search_path = '' as $$
declare
  v_store_id uuid;
begin
  insert into auth.users (id, aud, role, email, created_at, updated_at)
  values (p_owner_id, 'authenticated', 'authenticated', p_owner_email, now(), now())
  on conflict (id) do nothing;
  insert into public.profiles (id, email) values (p_owner_id, p_owner_email) on conflict (id) do nothing;

  insert into public.stores (
    owner_id, subdomain, name, description, phone, address, country, operating_modes, fixed_delivery_price
  )
  values (
    p_owner_id, p_subdomain, p_name, 'Tienda de demostración', '+584121234567',
    'Av. Francisco de Miranda, Chacao, Caracas', 'venezuela',
    array['delivery', 'pickup', 'digital_menu']::public.operating_mode[], 2.50
  )
  on conflict (subdomain) do nothing
  returning id into v_store_id;

  if v_store_id is null then
    return (select s.id from public.stores s where s.subdomain = p_subdomain and s.owner_id = p_owner_id);
  end if;

  insert into public.menu_items (store_id, name, description, price)
  values
    (v_store_id, 'Arepa reina pepiada', 'Pollo, aguacate y mayonesa', 4.50),
    (v_store_id, 'Empanada de queso', 'Queso blanco', 2.00),
    (v_store_id, 'Papelón con limón', 'Vaso de 500 ml', 1.50);

  insert into public.payment_methods (store_id, name, payment_type, payment_details)
  values (v_store_id, 'Pago Móvil', 'pago_movil', '{"bank": "0102", "phone": "04121234567", "id": "V12345678"}');

  update public.subscriptions s
  set enabled_modules = s.enabled_modules || '{"whatsapp": true}'
  where s.store_id = v_store_id;

  insert into public.whatsapp_settings (
    store_id, is_enabled, is_connected, connected_phone, instance_name, subscription_status
  )
  values (v_store_id, true, true, '584121234567', p_subdomain, 'active');

  perform public.initialize_whatsapp_templates(v_store_id);
  perform public.check_and_reset_whatsapp_credits(v_store_id);
  return v_store_id;
end
$$;
