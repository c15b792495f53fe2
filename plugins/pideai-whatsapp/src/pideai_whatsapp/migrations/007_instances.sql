-- Whose an instance is: one operator key opens them all, so a name that a store has chosen or linked is no other's.
create table if not exists pideai_whatsapp.instances (
  name text primary key, -- in lower case
  store_id uuid not null,
  since timestamptz not null default now()
);
