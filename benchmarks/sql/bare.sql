-- The two tables of the bare pipeline; its queue is pgmq's, as the host's lanes are. No foreign key, as in the host.
create table events (
  id uuid primary key,
  store_id uuid not null,
  type text not null,
  payload jsonb not null,
  received_at timestamptz not null default now()
);
create table deliveries (
  id uuid primary key default gen_random_uuid(),
  event_id uuid not null,
  status text not null default 'pending',
  attempts integer not null default 0,
  response_code integer,
  settled_at timestamptz
);
select pgmq.create('webhooks');
