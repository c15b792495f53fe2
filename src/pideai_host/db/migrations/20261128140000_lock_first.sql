-- What locks deliveries and goes on with them does the two in statements of their own (ADR 0047): within one, PostgreSQL 18
-- may die of a lock that was awaited. The later statement's snapshot is younger than the locks, so it meets no row that
-- has changed; and it is told the instants that it looks between, so that the other partitions are not even opened.

-- Bring what is due back into its lane: lock the parked rows, send their messages, store the new message ids. One
-- transaction, so a crash leaves either the parked row or the message. Skip locked: any number of workers may do it. Kept
-- to some lanes while others are missing, since one without a table fails the statement for all.
-- `(select now())`: of an instant that he does not know, the planner expects much to be due and reads the index in its
-- order, as far as the limit. Of one that he knows he expects little, and reads and sorts all that is due for each batch.
create or replace function pideai_host.promote_due(most integer, wanted text[])
returns table (lane text, messages integer)
language plpgsql rows 10 set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  due_ids uuid[];
  due_at timestamptz[];
  due_lanes text[];
  first_at timestamptz;
  last_at timestamptz;
begin
  with due as materialized (
    select d.id, d.created_at, d.lane
    from public.plugin_events_log d
    where d.next_attempt_at <= (select now()) and (wanted is null or d.lane = any (wanted))
    order by d.next_attempt_at
    limit most
    for update skip locked
  )
  select array_agg(due.id), array_agg(due.created_at), array_agg(due.lane), min(due.created_at), max(due.created_at)
  into due_ids, due_at, due_lanes, first_at, last_at
  from due;

  return query
  with load as (
    select u.lane,
           array_agg(jsonb_build_object('d', u.id, 'at', u.created_at) order by u.id) as messages,
           array_agg(u.id order by u.id) as ids,
           array_agg(u.created_at order by u.id) as times
    from unnest(due_ids, due_at, due_lanes) as u (id, created_at, lane)
    group by u.lane
  ),
  message as (
    select l.ids[s.k] as id, l.times[s.k] as created_at, s.msg_id
    from load l
    cross join lateral pgmq.send_batch(l.lane, l.messages) with ordinality as s (msg_id, k)
  ),
  promoted as (
    update public.plugin_events_log d
    set next_attempt_at = null, msg_id = m.msg_id,
        park_reason = case when d.park_reason = 'rate' then 'rate' end  -- its slot is reserved (reserve.sql)
    from message m
    where d.id = m.id and d.created_at = m.created_at
      -- Said twice for the planner, who takes the messages for many: it would read all of history to find a few rows.
      and d.id = any (due_ids) and d.created_at between first_at and last_at
    returning d.lane
  )
  select p.lane, count(*)::integer from promoted p group by p.lane;
end
$$;
revoke all on function pideai_host.promote_due(integer, text[]) from public;
grant execute on function pideai_host.promote_due(integer, text[]) to pideai_host;

-- As in 20261128050000, which says what it is for; what is first now is locked before anything is sent.
create or replace function pideai_host.order_leave(installations uuid[], entities text[], deliveries uuid[])
returns setof text
language plpgsql rows 10 set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  next_ids uuid[];
  next_at timestamptz[];
  next_lanes text[];
  first_at timestamptz;
  last_at timestamptz;
begin
  perform from pideai_host.ordered_entities e
  where (e.installation_id, e.entity_id) in (
    select g.installation_id, g.entity_id from unnest(installations, entities) as g (installation_id, entity_id))
  order by e.installation_id, e.entity_id
  for update;

  delete from pideai_host.ordered_deliveries o
  using unnest(installations, entities, deliveries) as g (installation_id, entity_id, delivery_id)
  where o.installation_id = g.installation_id and o.entity_id = g.entity_id and o.delivery_id = g.delivery_id
    and not exists (
      select from public.plugin_events_log d
      where d.id = o.delivery_id and d.created_at = o.delivery_created_at and d.status = 'pending');

  select array_agg(f.delivery_id), min(f.delivery_created_at), max(f.delivery_created_at)
  into next_ids, first_at, last_at
  from (
    select distinct g.installation_id, g.entity_id
    from unnest(installations, entities) as g (installation_id, entity_id)
  ) as g
  cross join lateral (
    select o.delivery_id, o.delivery_created_at, o.place, min(o.place) over () as least
    from pideai_host.ordered_deliveries o
    where o.installation_id = g.installation_id and o.entity_id = g.entity_id
  ) as f
  where f.place = f.least;

  with ready as materialized (
    select d.id, d.created_at, d.lane
    from public.plugin_events_log d
    where d.id = any (next_ids) and d.created_at between first_at and last_at
      and d.status = 'pending' and d.park_reason = 'order' and d.msg_id is null and d.next_attempt_at is null
    for update
  )
  select array_agg(r.id), array_agg(r.created_at), array_agg(r.lane)
  into next_ids, next_at, next_lanes
  from ready r;

  return query
  with ready as materialized (
    select u.id, u.created_at, u.lane from unnest(next_ids, next_at, next_lanes) as u (id, created_at, lane)
  ),
  load as (
    select r.lane,
           array_agg(jsonb_build_object('d', r.id, 'at', r.created_at) order by r.id) as messages,
           array_agg(r.id order by r.id) as ids
    from ready r
    group by r.lane
    having to_regclass('pgmq.q_' || r.lane) is not null
  ),
  message as (
    select l.ids[s.k] as id, s.msg_id
    from load l
    cross join lateral pgmq.send_batch(l.lane, l.messages) with ordinality as s (msg_id, k)
  ),
  sent as (
    update public.plugin_events_log d
    set msg_id = m.msg_id, park_reason = null,
        next_attempt_at = case when m.msg_id is null then now() end -- its lane is missing: parked until it exists
    from ready r
    left join message m on m.id = r.id
    where d.id = r.id and d.created_at = r.created_at
      and d.id = any (next_ids) and d.created_at between first_at and last_at
    returning d.lane, d.msg_id
  )
  select distinct s.lane from sent s where s.msg_id is not null;
end
$$;
