create table fine (id uuid primary key);
alter table public.orders add column courier text;
