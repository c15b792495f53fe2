-- Stores and who owns them.

do $$
begin
  if to_regtype('public.operating_mode') is null then
    create type public.operating_mode as enum ('delivery', 'pickup', 'digital_menu');
  end if;
  if to_regtype('public.force_status') is null then
    create type public.force_status as enum ('normal', 'force_open', 'force_closed');
  end if;
  if to_regtype('public.app_role') is null then
    create type public.app_role as enum ('admin', 'user');
  end if;
end
$$;

create table if not exists public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  email text,
  full_name text,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
alter table public.profiles enable row level security;

create table if not exists public.user_roles (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  role public.app_role not null,
  created_at timestamptz default now(),
  unique (user_id, role)
);
alter table public.user_roles enable row level security;

create table if not exists public.reserved_subdomains (
  subdomain text primary key,
  created_at timestamptz default now()
);
alter table public.reserved_subdomains enable row level security;

insert into public.reserved_subdomains (subdomain)
select unnest(array[
  'www', 'admin', 'api', 'app', 'demo', 'test', 'staging', 'dev', 'mail', 'smtp', 'ftp', 'blog', 'help', 'support',
  'docs', 'status', 'cdn', 'static', 'assets', 'images', 'media', 'auth', 'login', 'register', 'dashboard', 'panel',
  'billing', 'account', 'store', 'shop', 'pideai', 'root'
])
on conflict do nothing;

create table if not exists public.stores (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null constraint stores_owner_id_fkey references public.profiles (id),
  subdomain text not null unique,
  name text not null,
  description text,
  logo_url text,
  banner_url text,
  phone text,
  email text,
  address text,
  country text,
  is_active boolean default true,
  is_food_business boolean default true,
  catalog_mode boolean default false,
  hide_catalog_prices boolean default false,
  operating_modes public.operating_mode[] default array['delivery'::public.operating_mode],
  force_status public.force_status default 'normal',
  redirect_to_whatsapp boolean default true,
  accept_cash boolean default true,
  payment_on_delivery text default 'Pago Movil,Zelle',
  require_payment_proof boolean default false,
  skip_payment_digital_menu boolean default false,
  minimum_order_price numeric,
  estimated_delivery_time text,
  -- money
  currency varchar(10) default 'USD',
  decimal_places integer default 2,
  decimal_separator varchar(5) default ',',
  thousands_separator varchar(5) default '.',
  active_currency varchar(10) default 'original',
  enable_currency_conversion boolean default false,
  use_manual_exchange_rate boolean default false,
  manual_usd_ves_rate numeric(18, 6),
  manual_eur_ves_rate numeric(18, 6),
  hide_original_price boolean default false,
  -- delivery
  delivery_price_mode text default 'fixed',
  delivery_price_mode_v2 text default 'fixed',
  fixed_delivery_price numeric default 0,
  base_delivery_price numeric default 2.00,
  price_per_km numeric default 0.50,
  max_delivery_distance_km numeric default 15,
  free_delivery_enabled boolean default false,
  global_free_delivery_min_amount numeric(10, 2),
  remove_address_number boolean default false,
  remove_zipcode boolean default false,
  store_address_full text,
  store_lat numeric,
  store_lng numeric,
  -- words and looks
  delivery_label varchar(50) default 'Delivery',
  pickup_label varchar(50) default 'Pick-up',
  digital_menu_label varchar(50) default 'Mesa',
  price_color text,
  primary_color text,
  social_instagram text,
  enable_audio_notifications boolean default true,
  notification_repeat_count integer default 3,
  notification_volume integer default 80,
  order_product_template text default $t$• *{product-qty}x {product-name}* Precio: {product-price}
{product-extras}$t$,
  order_message_template_delivery text default $t$🛵 *Nuevo pedido #{order-number}*
{order-date-time}
{order-type}

*Productos:*
{order-products}

Envío: {shipping-price}
*Total: {order-total}*
Bs.: {order-total-bolivares}

👤 *Cliente:* {customer-name}
📞 {customer-phone}
📍 {customer-address} {customer-address-number} {customer-address-neighborhood}

💳 Método: {payment-method}
{payment-status}
{payment-receipt-link}

{order-track-page}

¡Gracias por tu compra!$t$,
  order_message_template_pickup text default $t$🛍️ *Pedido a retirar #{order-number}*
{order-date-time}

{order-products}

*Total: {order-total}*

👤 {customer-name}
📞 {customer-phone}
💳 {payment-method}
{order-track-page}$t$,
  order_message_template_digital_menu text default $t$🍽️ *Pedido #{order-number}*
Mesa: {order-table}

{order-products}

*Total: {order-total}*
{customer-name}$t$,
  onboarding_completed_at timestamptz,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint stores_active_currency_check check (active_currency in ('original', 'VES')),
  constraint stores_decimal_places_check check (decimal_places between 0 and 4),
  constraint stores_delivery_price_mode_check check (delivery_price_mode in ('fixed', 'by_zone')),
  constraint stores_manual_usd_ves_rate_check check (manual_usd_ves_rate is null or manual_usd_ves_rate > 0),
  constraint stores_manual_eur_ves_rate_check check (manual_eur_ves_rate is null or manual_eur_ves_rate > 0),
  constraint stores_subdomain_format_check check (
    subdomain ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(subdomain) between 3 and 63
  ),
  constraint subdomain_format check (subdomain ~ '^[a-z0-9-]+$')
);
alter table public.stores enable row level security;
create index if not exists idx_stores_subdomain on public.stores (subdomain);
