-- What whatsapp_messages cannot hold: whether the provider was asked already, and who wants no advertising.

-- One row a message, whose id it has. new: written down, nobody was asked. claimed: one attempt may be asking. accepted: the
-- provider has it. refused: it is known not to have it. unknown: a request left, and nobody knows.
create table if not exists pideai_whatsapp.sends (
  message_id uuid primary key,
  store_id uuid not null,
  order_id uuid,
  kind text not null,
  phone text not null,
  text_sha256 bytea not null,
  provider text,
  provider_message_id text,
  state text not null,
  delivery_id uuid,
  claims integer not null default 0,
  error text,
  created_at timestamptz not null default now(),
  claimed_at timestamptz,
  settled_at timestamptz,
  constraint sends_state_known check (state in ('new', 'claimed', 'accepted', 'refused', 'unknown')),
  constraint sends_text_is_hashed check (octet_length(text_sha256) = 32)
);

-- Receipts come by the provider's id.
create index if not exists sends_by_provider_id on pideai_whatsapp.sends (store_id, provider_message_id)
  where provider_message_id is not null;
-- What is open: what a lost answer left, what was written down and never came.
create index if not exists sends_open on pideai_whatsapp.sends (store_id, created_at)
  where state in ('new', 'claimed', 'unknown');
-- What is old is forgotten; rows come in the order of time and never move.
create index if not exists sends_by_age on pideai_whatsapp.sends using brin (created_at);
-- Each notice is said once an order.
create index if not exists sends_of_order on pideai_whatsapp.sends (order_id, kind) where order_id is not null;

-- Phones that want no advertising of a store; notices of their own orders still reach them.
create table if not exists pideai_whatsapp.opt_outs (
  store_id uuid not null,
  phone text not null, -- E.164
  line text not null, -- by which WhatsApp knows it, see text/phones.py
  since timestamptz not null default now(),
  by text not null,
  primary key (store_id, line),
  constraint opt_outs_by_known check (by in ('customer', 'owner'))
);

-- Stores that have had the plugin, and whether they sent through WhatsApp before: the first installation says so for good.
create table if not exists pideai_whatsapp.stores (
  store_id uuid primary key,
  is_adopted boolean not null,
  since timestamptz not null default now()
);
