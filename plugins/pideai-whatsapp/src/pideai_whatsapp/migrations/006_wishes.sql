-- When a customer, or the owner for them, last said whether advertising is wanted: what was said earlier and is heard later
-- changes nothing.
create table if not exists pideai_whatsapp.wishes (
  store_id uuid not null,
  line text not null,
  said_at timestamptz not null,
  primary key (store_id, line)
);
insert into pideai_whatsapp.wishes (store_id, line, said_at)
select o.store_id, o.line, o.since from pideai_whatsapp.opt_outs o
on conflict do nothing;
