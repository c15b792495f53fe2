-- Which driver carries which order.

create table if not exists public.delivery_assignments (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null references public.stores (id),
  order_id uuid not null references public.orders (id) on delete cascade,
  driver_id uuid not null references public.drivers (id),
  status text default 'assigned',
  assigned_at timestamptz default now(),
  picked_up_at timestamptz,
  delivered_at timestamptz,
  estimated_minutes integer,
  actual_minutes integer,
  distance_km numeric,
  route_polyline text,
  delivery_notes text,
  delivery_photo_url text,
  customer_signature_url text,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
alter table public.delivery_assignments enable row level security;
create index if not exists idx_delivery_assignments_driver_id on public.delivery_assignments (driver_id);
create index if not exists idx_delivery_assignments_order_id on public.delivery_assignments (order_id);
create index if not exists idx_delivery_assignments_status on public.delivery_assignments (status);
