-- Drivers, before the orders that name them.

create table if not exists public.drivers (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null references public.stores (id) on delete cascade,
  name text not null,
  phone text not null,
  email text,
  photo_url text,
  vehicle_type text default 'motorcycle',
  license_plate text,
  status text default 'offline',
  is_active boolean default true,
  current_lat numeric,
  current_lng numeric,
  last_location_update timestamptz,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
alter table public.drivers enable row level security;
create index if not exists idx_drivers_status on public.drivers (status);
create index if not exists idx_drivers_store_id on public.drivers (store_id);
