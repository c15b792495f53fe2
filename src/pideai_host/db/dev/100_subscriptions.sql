-- What a store pays PideAI for, and PideAI's own staff.

create table if not exists public.subscription_plans (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  display_name text not null,
  description text,
  price_monthly numeric(10, 2) not null default 0,
  features jsonb not null default '[]',
  limits jsonb not null default '{}',
  modules jsonb not null default '{}',
  catalog_view_limit integer,
  trial_duration_days integer default 0,
  sort_order integer default 0,
  is_active boolean default true,
  is_archived boolean default false,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
alter table public.subscription_plans enable row level security;
create index if not exists idx_subscription_plans_active on public.subscription_plans (is_active);
create index if not exists idx_subscription_plans_archived on public.subscription_plans (is_archived)
  where is_archived = true;
create index if not exists idx_subscription_plans_name on public.subscription_plans (name);

-- `modules` holds prices, not switches: that is why has_module_enabled's look into the plan never says yes.
insert into public.subscription_plans (
  name, display_name, price_monthly, sort_order, trial_duration_days, limits, modules
)
values
  ('free', 'Gratis', 0, 0, 0,
   '{"max_products": 20, "max_orders_per_month": 30, "ai_monthly_credits": 5}',
   '{"whatsapp_monthly": 15, "delivery_monthly": 20}'),
  ('trial', 'Prueba', 0, 1, 30,
   '{"max_products": 100, "max_orders_per_month": 200, "ai_monthly_credits": 20}',
   '{"whatsapp_monthly": 15, "delivery_monthly": 20}'),
  ('basic', 'Básico', 10, 2, 0,
   '{"max_products": 100, "max_orders_per_month": 300, "max_ai_credits_per_month": 40}',
   '{"whatsapp_monthly": 15, "delivery_monthly": 20}'),
  ('pro', 'Pro', 25, 3, 0,
   '{"max_products": 500, "max_orders_per_month": 2000, "max_ai_credits_per_month": 100}',
   '{"whatsapp_monthly": 10, "delivery_monthly": 15}'),
  ('enterprise', 'Empresarial', 60, 4, 0,
   '{"max_products": -1, "max_orders_per_month": -1, "max_ai_credits_per_month": 500}',
   '{"whatsapp_monthly": 0, "delivery_monthly": 0}')
on conflict (name) do nothing;

create table if not exists public.platform_payment_methods (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  created_at timestamptz default now()
);
alter table public.platform_payment_methods enable row level security;

create table if not exists public.subscriptions (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null unique references public.stores (id) on delete cascade,
  plan_id uuid not null references public.subscription_plans (id),
  status text not null default 'trial',
  enabled_modules jsonb not null default '{"delivery": false, "whatsapp": false}',
  current_period_start timestamptz not null default now(),
  current_period_end timestamptz not null,
  trial_ends_at timestamptz,
  cancelled_at timestamptz,
  platform_payment_method_id uuid references public.platform_payment_methods (id),
  admin_notes text,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint subscriptions_status_check check (
    status in ('trial', 'active', 'pending_payment', 'past_due', 'cancelled', 'suspended')
  )
);
alter table public.subscriptions enable row level security;
create index if not exists idx_subscriptions_period_end on public.subscriptions (current_period_end);
create index if not exists idx_subscriptions_plan_id on public.subscriptions (plan_id);
create index if not exists idx_subscriptions_payment_method on public.subscriptions (platform_payment_method_id);
create index if not exists idx_subscriptions_status on public.subscriptions (status);
create index if not exists idx_subscriptions_store_id on public.subscriptions (store_id);
create index if not exists idx_subscriptions_trial_ends on public.subscriptions (trial_ends_at) where status = 'trial';

create table if not exists public.subscription_audit_log (
  id uuid primary key default gen_random_uuid(),
  subscription_id uuid not null,
  store_id uuid not null,
  action text not null,
  old_values jsonb,
  new_values jsonb,
  performed_by uuid,
  created_at timestamptz default now()
);
alter table public.subscription_audit_log enable row level security;

create table if not exists public.store_ai_credits (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null unique references public.stores (id) on delete cascade,
  monthly_credits integer not null default 40,
  extra_credits integer not null default 0,
  credits_used_this_month integer not null default 0,
  last_reset_date date not null default current_date,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
alter table public.store_ai_credits enable row level security;
create index if not exists idx_store_ai_credits_store_id on public.store_ai_credits (store_id);

create table if not exists public.platform_admins (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null unique references auth.users (id) on delete cascade,
  role text not null default 'support',
  is_active boolean default true,
  created_by uuid references auth.users (id),
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint platform_admins_role_check check (role in ('super_admin', 'support', 'billing'))
);
alter table public.platform_admins enable row level security;
create index if not exists idx_platform_admins_active on public.platform_admins (is_active) where is_active = true;
create index if not exists idx_platform_admins_user_id on public.platform_admins (user_id);

create table if not exists public.system_settings (
  id uuid primary key default gen_random_uuid(),
  key text not null unique,
  value text,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
alter table public.system_settings enable row level security;
