-- From today's six triggers to the host, store by store. Each change of an order is announced by exactly one side; which
-- one is decided under a lock that no writer of orders can be within, and written down here (docs/adr/0053).

-- Where a store is. preparing: the host takes its changes in and waits, the triggers announce. cut_over: the host
-- announces. draining: the triggers announce what is new, the host what was its own before. rolled_back: the triggers.
-- No row: the triggers, where they are; the host, where they are not or do not speak for it.
create table if not exists pideai_whatsapp.cutovers (
  store_id uuid primary key,
  state text not null,
  since timestamptz not null default now(),
  switched_at timestamptz,
  constraint cutovers_state_known check (state in ('preparing', 'cut_over', 'draining', 'rolled_back'))
);
alter table pideai_whatsapp.cutovers enable row level security;

-- Which stores the triggers speak for: all but the listed, or (is_over) the listed alone. One row.
create table if not exists pideai_whatsapp.cutover_scope (
  id boolean primary key default true,
  is_over boolean not null default false,
  listed uuid[] not null default '{}',
  revision bigint not null default 0,
  constraint cutover_scope_is_one check (id)
);
insert into pideai_whatsapp.cutover_scope default values on conflict do nothing;
alter table pideai_whatsapp.cutover_scope enable row level security;

-- The triggers as they were found, and as they were left.
create table if not exists pideai_whatsapp.cutover_triggers (
  name text primary key,
  original text not null,
  written text not null,
  saved_at timestamptz not null default now()
);
alter table pideai_whatsapp.cutover_triggers enable row level security;

-- Whose a change is, for those that were there when the sides changed: an order's status with the instant that its row
-- carries, or status 'created' for that it was placed.
create table if not exists pideai_whatsapp.cutover_changes (
  store_id uuid not null,
  order_id uuid not null,
  status text not null,
  version timestamptz not null,
  side text not null,
  noted_at timestamptz not null default now(),
  primary key (order_id, status, version, store_id),
  constraint cutover_changes_side_known check (side in ('host', 'triggers'))
);
create index if not exists cutover_changes_noted on pideai_whatsapp.cutover_changes (noted_at);
alter table pideai_whatsapp.cutover_changes enable row level security;

-- The six, as they are. Read with an empty search_path, so that every name in a definition is whole and two readings of
-- the same trigger are the same text.
create or replace function pideai_whatsapp.order_triggers()
returns table (name text, definition text, fires "char")
language sql stable set search_path = '' as $$
  select t.tgname::text, pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled
  from pg_catalog.pg_trigger t
  where t.tgrelid = pg_catalog.to_regclass('public.orders') and not t.tgisinternal
    and t.tgname = any (array[
      'trigger_notify_order_cancelled_whatsapp', 'trigger_notify_order_confirmed_whatsapp',
      'trigger_notify_order_delivered_whatsapp', 'trigger_notify_order_out_for_delivery_whatsapp',
      'trigger_notify_order_preparing_whatsapp', 'trigger_notify_order_ready_whatsapp'])
  order by t.tgname
$$;

-- Whether today's triggers would announce a store's changes: one stands, fires, asks nothing that leaves the store out,
-- and has the pg_net that it posts through. A trigger that somebody replaced leaves nobody out, as far as we know.
create or replace function pideai_whatsapp.triggers_speak(p_store uuid) returns boolean
language sql stable set search_path = '' as $$
  select exists (
      select from pg_catalog.pg_proc p
      where p.pronamespace = pg_catalog.to_regnamespace('net') and p.proname = 'http_post')
    and exists (
      select from pideai_whatsapp.order_triggers() t
      left join pideai_whatsapp.cutover_triggers w on w.name = t.name
      cross join pideai_whatsapp.cutover_scope s
      where t.fires in ('O', 'A')
        and (w.written is distinct from t.definition or (p_store = any (s.listed)) = s.is_over))
$$;

-- Whether a store's installation may not work yet: the triggers speak for it, and no cutover of it is under way or done.
create or replace function pideai_whatsapp.is_cutover_pending(p_store uuid) returns boolean
language sql stable set search_path = '' as $$
  select not exists (
      select from pideai_whatsapp.cutovers c where c.store_id = p_store and c.state in ('preparing', 'cut_over', 'draining'))
    and pideai_whatsapp.triggers_speak(p_store)
$$;

-- Whose a change is: host, triggers, or wait while that is being decided. A change that was there when the sides changed
-- is written down; any other belongs to who speaks for the store now.
create or replace function pideai_whatsapp.side_of(p_store uuid, p_order uuid, p_status text, p_version timestamptz)
returns text language sql stable set search_path = '' as $$
  select coalesce(
    (select c.side
     from pideai_whatsapp.cutover_changes c
     where c.order_id = p_order and c.status = p_status and c.version = p_version and c.store_id = p_store),
    (select case c.state when 'preparing' then 'wait' when 'cut_over' then 'host' else 'triggers' end
     from pideai_whatsapp.cutovers c
     where c.store_id = p_store),
    'host')
$$;

-- Note whose the changes of some stores are that are there now and not noted yet.
create or replace function pideai_whatsapp.note_changes(p_stores uuid[], p_side text, p_since timestamptz)
returns bigint language plpgsql set search_path = '' as $$
declare
  v_count bigint;
  v_more bigint := 0;
begin
  insert into pideai_whatsapp.cutover_changes (store_id, order_id, status, version, side)
  select o.store_id, o.id, 'created', timestamptz 'epoch', p_side
  from public.orders o
  where o.store_id = any (p_stores) and o.created_at > p_since
  on conflict do nothing;
  get diagnostics v_count = row_count;

  -- The history says every status with its instant; where there is none, the order's row says the last.
  if pg_catalog.to_regclass('public.order_status_history') is not null then
    insert into pideai_whatsapp.cutover_changes (store_id, order_id, status, version, side)
    select h.store_id, h.order_id, h.to_status, h.changed_at, p_side
    from public.order_status_history h
    where h.store_id = any (p_stores) and h.changed_at > p_since
    on conflict do nothing;
  else
    insert into pideai_whatsapp.cutover_changes (store_id, order_id, status, version, side)
    select o.store_id, o.id, o.status, o.updated_at, p_side
    from public.orders o
    where o.store_id = any (p_stores) and o.updated_at > p_since
    on conflict do nothing;
  end if;
  get diagnostics v_more = row_count;
  return v_count + v_more;
end
$$;

-- Change the sides of some stores, all at once: one call is one transaction and one round trip, so that the lock is held
-- for no longer than the server's own work.
--
-- SHARE ROW EXCLUSIVE, which replacing a trigger takes anyway, is granted when every transaction that wrote to orders has
-- ended, and none begins to write before this one ends. So what is there now went by the old triggers and everything
-- later goes by the new ones, whatever instants (those of the beginning of a transaction) the rows carry.
--
-- p_triggers: for each trigger name, definition and fires as they were read, and the statement that replaces it.
create or replace function pideai_whatsapp.switch_sides(
  p_to text, p_stores uuid[], p_is_over boolean, p_listed uuid[], p_revision bigint, p_triggers jsonb,
  p_overlap interval default interval '15 minutes')
returns timestamptz
language plpgsql set search_path = '' set lock_timeout = '250ms' as $$
declare
  v_trigger record;
  v_is_whole constant boolean := not p_is_over and p_listed = '{}';
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'switch_sides has to see what was committed while it waited for the lock: use read committed';
  end if;
  lock table public.orders in share row exclusive mode;

  if exists (
    (select t.name, t.definition, t.fires::text from pideai_whatsapp.order_triggers() t
     except
     select j.name, j.definition, j.fires from jsonb_to_recordset(p_triggers) as j (name text, definition text, fires text))
    union all
    (select j.name, j.definition, j.fires from jsonb_to_recordset(p_triggers) as j (name text, definition text, fires text)
     except
     select t.name, t.definition, t.fires::text from pideai_whatsapp.order_triggers() t)
  ) or not exists (select from pideai_whatsapp.cutover_scope s where s.revision = p_revision) then
    raise exception 'the triggers or the cutover were changed meanwhile' using errcode = 'serialization_failure';
  end if;

  perform pideai_whatsapp.note_changes(p_stores, case p_to when 'host' then 'triggers' else 'host' end, now() - p_overlap);

  for v_trigger in
    select * from jsonb_to_recordset(p_triggers) as j (name text, definition text, fires text, original text, statement text)
  loop
    execute v_trigger.statement;
    -- A trigger that is replaced fires as a new one does: what somebody had switched off would be on again.
    if v_trigger.fires <> 'O' then
      execute format('alter table public.orders %s trigger %I',
        case v_trigger.fires when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end,
        v_trigger.name);
    end if;
    insert into pideai_whatsapp.cutover_triggers as c (name, original, written)
    select v_trigger.name, v_trigger.original, t.definition
    from pideai_whatsapp.order_triggers() t
    where t.name = v_trigger.name
    on conflict (name) do update set original = excluded.original, written = excluded.written, saved_at = now();
  end loop;
  if v_is_whole then
    delete from pideai_whatsapp.cutover_triggers;
  end if;

  update pideai_whatsapp.cutover_scope set is_over = p_is_over, listed = p_listed, revision = revision + 1;
  insert into pideai_whatsapp.cutovers as c (store_id, state, switched_at)
  select s, case p_to when 'host' then 'cut_over' else 'draining' end, clock_timestamp()
  from unnest(p_stores) as s
  on conflict (store_id) do update set state = excluded.state, since = now(), switched_at = excluded.switched_at;
  return clock_timestamp();
end
$$;
