-- WhatsApp: settings, templates, credits, campaigns, messages.

create table if not exists public.whatsapp_settings (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null unique references public.stores (id) on delete cascade,
  is_enabled boolean default false,
  is_connected boolean default false,
  connected_phone text,
  instance_name text,
  evolution_api_url text,
  evolution_api_key text,
  auto_order_confirmation boolean default true,
  auto_order_preparing boolean default true,
  auto_order_ready boolean default true,
  auto_order_out_for_delivery boolean default true,
  auto_order_delivered boolean default true,
  auto_order_cancelled boolean default false,
  auto_abandoned_cart boolean default false,
  abandoned_cart_delay_minutes integer default 30,
  subscription_status text default 'inactive',
  trial_ends_at timestamptz,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint whatsapp_settings_subscription_status_check check (subscription_status in ('active', 'inactive', 'trial'))
);
alter table public.whatsapp_settings enable row level security;

create table if not exists public.whatsapp_message_templates (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null references public.stores (id) on delete cascade,
  template_type text not null,
  template_name text not null,
  message_body text not null,
  is_active boolean default true,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  unique (store_id, template_type),
  constraint whatsapp_message_templates_template_type_check check (
    template_type in (
      'order_confirmation', 'order_ready', 'order_preparing', 'order_out_for_delivery', 'order_delivered',
      'order_cancelled', 'abandoned_cart', 'promotion'
    )
  )
);
alter table public.whatsapp_message_templates enable row level security;

create table if not exists public.whatsapp_credits (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null unique references public.stores (id) on delete cascade,
  monthly_credits integer default 50,
  extra_credits integer default 0,
  credits_used_this_month integer default 0,
  last_reset_date date default current_date,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
alter table public.whatsapp_credits enable row level security;

create table if not exists public.whatsapp_campaigns (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null references public.stores (id) on delete cascade,
  name text not null,
  message_body text not null,
  image_url text,
  target_audience text default 'all',
  status text default 'draft',
  scheduled_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  total_recipients integer default 0,
  messages_sent integer default 0,
  messages_delivered integer default 0,
  messages_failed integer default 0,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  constraint whatsapp_campaigns_status_check check (
    status in ('draft', 'scheduled', 'sending', 'completed', 'cancelled')
  ),
  constraint whatsapp_campaigns_target_audience_check check (
    target_audience in ('all', 'recent_customers', 'inactive_customers')
  )
);
alter table public.whatsapp_campaigns enable row level security;
create index if not exists idx_whatsapp_campaigns_status on public.whatsapp_campaigns (status);
create index if not exists idx_whatsapp_campaigns_store_id on public.whatsapp_campaigns (store_id);

create table if not exists public.whatsapp_messages (
  id uuid primary key default gen_random_uuid(),
  store_id uuid not null references public.stores (id) on delete cascade,
  order_id uuid references public.orders (id) on delete set null,
  campaign_id uuid references public.whatsapp_campaigns (id) on delete set null,
  customer_phone text not null,
  customer_name text,
  message_type text not null,
  message_content text not null,
  image_url text,
  status text default 'pending',
  credit_type text default 'monthly',
  evolution_message_id text,
  error_message text,
  sent_at timestamptz,
  delivered_at timestamptz,
  read_at timestamptz,
  created_at timestamptz default now(),
  constraint whatsapp_messages_credit_type_check check (credit_type in ('monthly', 'extra')),
  constraint whatsapp_messages_message_type_check check (
    message_type in (
      'order_confirmation', 'order_ready', 'order_preparing', 'order_out_for_delivery', 'order_delivered',
      'order_cancelled', 'abandoned_cart', 'promotion', 'campaign', 'manual'
    )
  ),
  constraint whatsapp_messages_status_check check (status in ('pending', 'sent', 'delivered', 'read', 'failed'))
);
alter table public.whatsapp_messages enable row level security;
create index if not exists idx_whatsapp_messages_created_at on public.whatsapp_messages (created_at desc);
create index if not exists idx_whatsapp_messages_status on public.whatsapp_messages (status);
create index if not exists idx_whatsapp_messages_store_id on public.whatsapp_messages (store_id);
