-- What a store sells, how it may be paid, and the rates its prices are converted with.

do $$
begin
  if to_regtype('public.payment_method_type') is null then
    create type public.payment_method_type as enum ('pago_movil', 'zelle', 'binance', 'otros');
  end if;
end
$$;

create table if not exists public.menu_items (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null references public.stores (id) on delete cascade,
  category_id uuid,
  name text not null,
  description text,
  price numeric(10, 2) not null,
  images jsonb default '[]',
  is_available boolean default true,
  is_featured boolean default false,
  track_stock boolean default false,
  stock_quantity integer,
  stock_minimum integer,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
alter table public.menu_items enable row level security;
create index if not exists idx_menu_items_store_id on public.menu_items (store_id);

create table if not exists public.stock_history (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null references public.stores (id) on delete cascade,
  menu_item_id uuid not null references public.menu_items (id) on delete cascade,
  order_id uuid,
  change_type text not null check (change_type in ('order', 'manual_adjustment', 'restock')),
  quantity_change integer not null,
  created_at timestamptz default now()
);
alter table public.stock_history enable row level security;

create table if not exists public.payment_methods (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null references public.stores (id) on delete cascade,
  name varchar(100) not null,
  description text,
  payment_type public.payment_method_type not null,
  payment_details jsonb,
  display_order integer default 0,
  is_active boolean default true,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
alter table public.payment_methods enable row level security;
create index if not exists idx_payment_methods_store_id on public.payment_methods (store_id);
create index if not exists idx_payment_methods_active on public.payment_methods (store_id, is_active);

create table if not exists public.exchange_rates (
  id uuid primary key default gen_random_uuid(),
  store_id uuid references public.stores (id) on delete cascade,
  from_currency varchar(3) not null check (from_currency in ('USD', 'EUR')),
  to_currency varchar(3) not null check (to_currency = 'VES'),
  rate numeric(18, 6) not null check (rate > 0),
  source varchar(20) not null check (source in ('bcv_auto', 'manual')),
  last_updated timestamptz default now(),
  created_at timestamptz default now(),
  unique (from_currency, to_currency, store_id)
);
alter table public.exchange_rates enable row level security;
create index if not exists idx_exchange_rates_currencies on public.exchange_rates (from_currency, to_currency);
create index if not exists idx_exchange_rates_last_updated on public.exchange_rates (last_updated desc);
create index if not exists idx_exchange_rates_store_id on public.exchange_rates (store_id);
