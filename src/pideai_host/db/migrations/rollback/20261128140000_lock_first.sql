drop function if exists pideai_host.promote_due(integer, text[]);

-- As it was.
create or replace function pideai_host.order_leave(installations uuid[], entities text[], deliveries uuid[])
returns setof text
language plpgsql rows 10 set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
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

  return query
  with first as materialized (
    select f.delivery_id, f.delivery_created_at
    from (
      select distinct g.installation_id, g.entity_id
      from unnest(installations, entities) as g (installation_id, entity_id)
    ) as g
    cross join lateral (
      select o.delivery_id, o.delivery_created_at, o.place, min(o.place) over () as least
      from pideai_host.ordered_deliveries o
      where o.installation_id = g.installation_id and o.entity_id = g.entity_id
    ) as f
    where f.place = f.least
  ),
  ready as materialized (
    select d.id, d.created_at, d.lane
    from first f
    join public.plugin_events_log d on d.id = f.delivery_id and d.created_at = f.delivery_created_at
    where d.status = 'pending' and d.park_reason = 'order' and d.msg_id is null and d.next_attempt_at is null
    for update of d
  ),
  load as (
    select lane,
           array_agg(jsonb_build_object('d', id, 'at', created_at) order by id) as messages,
           array_agg(id order by id) as ids,
           array_agg(created_at order by id) as times
    from ready
    group by lane
    having to_regclass('pgmq.q_' || lane) is not null
  ),
  message as (
    select l.ids[s.k] as id, l.times[s.k] as created_at, s.msg_id
    from load l
    cross join lateral pgmq.send_batch(l.lane, l.messages) with ordinality as s (msg_id, k)
  ),
  sent as (
    update public.plugin_events_log d
    set msg_id = m.msg_id, park_reason = null,
        next_attempt_at = case when m.msg_id is null then now() end -- its lane is missing: parked until it exists
    from ready r
    left join message m on m.id = r.id and m.created_at = r.created_at
    where d.id = r.id and d.created_at = r.created_at
    returning d.lane, d.msg_id
  )
  select distinct lane from sent where msg_id is not null;
end
$$;
