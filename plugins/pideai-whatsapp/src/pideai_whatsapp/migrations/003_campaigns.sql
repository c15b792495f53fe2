-- What whatsapp_campaigns cannot hold: whether a campaign rests, when its next message is due, and who gets one.

-- asked_at: somebody asked for it here; one that only its row says to be due is too old after a day. held: why nothing goes
-- out just now. next_at: when the next message may be handed over.
create table if not exists pideai_whatsapp.campaigns (
  campaign_id uuid primary key,
  store_id uuid not null,
  asked_at timestamptz,
  paused_at timestamptz,
  pause_reason text,
  resumed_at timestamptz,
  next_at timestamptz,
  held text,
  counted_at timestamptz,
  created_at timestamptz not null default now(),
  constraint campaigns_pause_has_reason check ((paused_at is null) = (pause_reason is null)),
  constraint campaigns_reason_known check (pause_reason in ('owner', 'no_credits', 'failing'))
);
create index if not exists campaigns_of_store on pideai_whatsapp.campaigns (store_id);

-- One row a line (text/phones.py), in the order in which they get their message. handed_over: its event is written.
-- dropped: it gets none, since its customer opted out or the campaign was cancelled.
create table if not exists pideai_whatsapp.campaign_recipients (
  campaign_id uuid not null,
  line text not null,
  n integer not null,
  phone text not null, -- E.164
  customer_name text,
  state text not null default 'waiting',
  message_id uuid,
  handed_at timestamptz,
  primary key (campaign_id, line),
  constraint campaign_recipients_state_known check (state in ('waiting', 'handed_over', 'dropped'))
);
create index if not exists campaign_recipients_waiting on pideai_whatsapp.campaign_recipients (campaign_id, n)
  where state = 'waiting';
create index if not exists campaign_recipients_handed on pideai_whatsapp.campaign_recipients (campaign_id, handed_at)
  where state = 'handed_over';
