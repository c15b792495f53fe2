-- What became of a POST that carried an Idempotency-Key: while it is under way who answers it, afterwards the answer, sealed
-- and without one-time secrets. Kept for a day. Only a request that took effect is kept: a refusal changed nothing.

create table if not exists pideai_host.kept_answers (
  user_id uuid not null,
  store_id uuid not null,               -- nil where the request belongs to no store
  key text not null,
  request bytea not null,               -- SHA-256 of method, address and body
  begun_at timestamptz not null default now(),
  holder uuid not null,                 -- the process's turn at it, so that one that lost it writes nothing
  held_until timestamptz not null,      -- renewed while it is under way; then the key is free again
  status smallint,                      -- null: under way
  answer text,                          -- sealed; null under way, and for one that was too large
  primary key (user_id, store_id, key)
);
create index if not exists kept_answers_begun on pideai_host.kept_answers (begun_at);

alter table pideai_host.kept_answers enable row level security;
revoke all on pideai_host.kept_answers from public;
grant select, insert, update, delete on pideai_host.kept_answers to pideai_host;
drop policy if exists pideai_host_all on pideai_host.kept_answers;
create policy pideai_host_all on pideai_host.kept_answers to pideai_host using (true) with check (true);
