-- Whose a number of Meta's is: one app's posts tell of many stores' customers, and any store can write any number's id
-- into its configuration. A row says that Meta took the store's token for it.
create table if not exists pideai_whatsapp.meta_numbers (
  phone_number_id text primary key,
  store_id uuid not null,
  since timestamptz not null default now()
);
