-- A store's channel to WhatsApp: what whatsapp_settings cannot hold of it.

create table if not exists pideai_whatsapp.channels (
  store_id uuid primary key,
  provider text not null,
  state text not null,
  reason text,
  since timestamptz not null,
  phone text,
  qr jsonb, -- the code to scan and when it came; never longer than one is waited for
  seen text[] not null default '{}', -- codes that were shown, the newest last
  strikes integer not null default 0,
  outage_since timestamptz,
  told_at timestamptz, -- when the owner was told of this outage
  heard_at timestamptz, -- the last call of the provider's, to the minute
  checked_at timestamptz, -- the last time that the provider was asked
  hooked_at timestamptz, -- when the provider was last told where to report to
  restarted_at timestamptz,
  version bigint not null default 1,
  constraint channels_state_known check (state in ('unlinked', 'connecting', 'open', 'suspect', 'closed', 'refused'))
);

-- Messages of customers that changed something, so that one which is told again changes nothing more.
create table if not exists pideai_whatsapp.inbound (
  store_id uuid not null,
  message_id text not null,
  heard_at timestamptz not null default now(),
  primary key (store_id, message_id)
);
create index if not exists inbound_by_age on pideai_whatsapp.inbound (heard_at);

-- How often providers told what changes nothing here: of instances and messages that are not known, of events that nobody
-- needs. Counted in memory, written now and then.
create table if not exists pideai_whatsapp.counts (
  store_id uuid not null,
  day date not null,
  what text not null,
  times bigint not null,
  primary key (store_id, day, what)
);
