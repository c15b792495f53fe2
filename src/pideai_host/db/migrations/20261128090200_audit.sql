-- Who did what, and when: written by the transaction that does it. Nobody changes a line, and only what is old goes, the
-- owner's mistakes included; the runtime role may not even try.
create table if not exists pideai_host.audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  store_id uuid,                        -- null: of no one store
  actor text not null,                  -- user, operator, host
  user_id uuid,
  actor_name text,                      -- the operator's account
  request_id text,
  address inet,                         -- of the client
  action text not null,
  plugin text,
  subject text,                         -- the delivery, event, replay or grant that it is about
  detail jsonb not null default '{}',   -- small, and without secrets
  constraint audit_actor_known check (actor in ('user', 'operator', 'host')),
  constraint audit_detail_bounded check (pg_column_size(detail) <= 65536)
);
create index if not exists audit_store on pideai_host.audit (store_id, id desc);
create index if not exists audit_age on pideai_host.audit using brin (at);

create or replace function pideai_host.keep_audit() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' and old.at < now() - interval '90 days' then
    return old;
  end if;
  raise exception 'the audit trail is append-only' using errcode = 'insufficient_privilege';
end
$$;
revoke all on function pideai_host.keep_audit() from public;
drop trigger if exists keep_audit on pideai_host.audit;
create trigger keep_audit before update or delete on pideai_host.audit
  for each row execute function pideai_host.keep_audit();
drop trigger if exists keep_audit_whole on pideai_host.audit;
create trigger keep_audit_whole before truncate on pideai_host.audit
  for each statement execute function pideai_host.keep_audit();

-- Forgets a batch of what is older than `days`, at least 90. Security definer, since the runtime role may not delete.
create or replace function pideai_host.forget_audit(days integer, most integer) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with gone as (
    delete from pideai_host.audit
    where id = any (array(
      select id from pideai_host.audit
      where at < now() - make_interval(days => greatest(days, 90))
      order by id
      limit least(greatest(most, 0), 10000)))
    returning 1
  )
  select count(*)::integer from gone
$$;
revoke all on function pideai_host.forget_audit(integer, integer) from public;
grant execute on function pideai_host.forget_audit(integer, integer) to pideai_host;

alter table pideai_host.audit enable row level security;
revoke all on pideai_host.audit from public;
grant select, insert on pideai_host.audit to pideai_host;
drop policy if exists pideai_host_read on pideai_host.audit;
create policy pideai_host_read on pideai_host.audit for select to pideai_host using (true);
drop policy if exists pideai_host_append on pideai_host.audit;
create policy pideai_host_append on pideai_host.audit for insert to pideai_host with check (true);
