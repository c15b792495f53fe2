-- Customers, their orders and what hangs on an order.

create table if not exists public.customers (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  email text not null unique,
  phone text,
  country text default 'brazil',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
alter table public.customers enable row level security;
create index if not exists idx_customers_phone on public.customers (phone) where phone is not null;

create table if not exists public.orders (
  id uuid primary key default gen_random_uuid(),
  store_id uuid references public.stores (id) on delete cascade,
  user_id uuid references auth.users (id) on delete cascade,
  customer_id uuid references public.customers (id) on delete set null,
  customer_name text not null,
  customer_email text not null,
  customer_phone text,
  order_type text default 'delivery',
  status text not null default 'pending',
  total_amount numeric(10, 2) not null default 0,
  delivery_price numeric default 0,
  calculated_delivery_price numeric,
  coupon_code text,
  coupon_discount numeric default 0,
  payment_method text,
  payment_proof_url text,
  payment_proof_short_url text,
  payment_proof_short_code text,
  notes text,
  tracking_code text,
  delivery_address text,
  delivery_lat numeric,
  delivery_lng numeric,
  delivery_zone_name text,
  distance_km numeric,
  estimated_delivery_minutes integer,
  assigned_driver_id uuid references public.drivers (id),
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint orders_order_type_check check (order_type in ('delivery', 'pickup', 'dine_in')),
  constraint valid_status check (
    status in ('pending', 'confirmed', 'preparing', 'ready', 'out_for_delivery', 'delivered', 'cancelled')
  )
);
alter table public.orders enable row level security;
alter table public.orders replica identity full;
create index if not exists idx_orders_assigned_driver on public.orders (assigned_driver_id);
create index if not exists idx_orders_created_at on public.orders (created_at desc);
create index if not exists idx_orders_payment_proof_short_code on public.orders (payment_proof_short_code)
  where payment_proof_short_code is not null;
create index if not exists idx_orders_status on public.orders (status);
create index if not exists idx_orders_store_created on public.orders (store_id, created_at);
create index if not exists idx_orders_store_id on public.orders (store_id);
create index if not exists idx_orders_store_created_desc on public.orders (store_id, created_at desc);
create index if not exists idx_orders_tracking_code on public.orders (tracking_code);
create index if not exists idx_orders_user_id on public.orders (user_id);

create table if not exists public.order_items (
  id uuid primary key default gen_random_uuid(),
  order_id uuid not null references public.orders (id) on delete cascade,
  menu_item_id uuid not null references public.menu_items (id) on delete restrict,
  item_name text not null,
  price_at_time numeric(10, 2) not null,
  quantity integer not null default 1,
  extras jsonb,
  created_at timestamptz default now(),
  constraint positive_quantity check (quantity > 0)
);
alter table public.order_items enable row level security;
create index if not exists idx_order_items_menu_item_id on public.order_items (menu_item_id);
create index if not exists idx_order_items_order_id on public.order_items (order_id);

create table if not exists public.order_item_extras (
  id uuid primary key default gen_random_uuid(),
  order_item_id uuid not null references public.order_items (id) on delete cascade,
  extra_name text not null,
  extra_price numeric not null,
  created_at timestamptz default now()
);
alter table public.order_item_extras enable row level security;
create index if not exists idx_order_item_extras_order_item_id on public.order_item_extras (order_item_id);

create table if not exists public.order_status_history (
  id uuid primary key default extensions.uuid_generate_v4(),
  order_id uuid not null references public.orders (id) on delete cascade,
  store_id uuid not null references public.stores (id) on delete cascade,
  from_status text,
  to_status text not null,
  changed_by uuid references auth.users (id),
  changed_at timestamptz default now(),
  notes text,
  created_at timestamptz default now()
);
alter table public.order_status_history enable row level security;
create index if not exists idx_order_status_history_changed_at on public.order_status_history (changed_at desc);
create index if not exists idx_order_status_history_order_id on public.order_status_history (order_id);
create index if not exists idx_order_status_history_store_id on public.order_status_history (store_id);

create table if not exists public.abandoned_carts (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null references public.stores (id) on delete cascade,
  customer_name text,
  customer_email text,
  customer_phone text,
  cart_data jsonb not null,
  cart_total numeric not null,
  recovery_token text default encode(extensions.gen_random_bytes(16), 'hex') unique,
  reminder_sent boolean default false,
  reminder_sent_at timestamptz,
  recovered boolean default false,
  recovered_at timestamptz,
  expires_at timestamptz default (now() + interval '7 days'),
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
alter table public.abandoned_carts enable row level security;
create index if not exists idx_abandoned_carts_recovery_token on public.abandoned_carts (recovery_token);
create index if not exists idx_abandoned_carts_reminder on public.abandoned_carts (reminder_sent)
  where not reminder_sent;
create index if not exists idx_abandoned_carts_store_id on public.abandoned_carts (store_id);
