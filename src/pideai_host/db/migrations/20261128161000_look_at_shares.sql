-- How much of some installations waits in their main lanes, as far as the latest deliveries of their stores tell, or the
-- latest up to an instant: a look at one place of an index, whatever the history. What went to the bulk lane does not count, or
-- a store that is over its share would never be under it again; and the instant is when it came to be over it, or what it has
-- brought since, all of it in the bulk lane, would hide what is to be counted.
--
-- A function, to say which plans not to take: a connection that made its plan while the week's partition was short went on
-- to read and sort all of it at each look.
create or replace function pideai_host.wait_in_main_lane(ids uuid[], stores uuid[], untils timestamptz[], latest integer)
returns table (id uuid, waiting integer)
language plpgsql stable rows 10 set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off as $$
begin
  return query
  select i.id, count(d.id)::integer
  from unnest(ids, stores, untils) as i (id, store_id, until)
  left join lateral (
    select l.id, l.installation_id, l.status, l.lane
    from public.plugin_events_log l
    where l.store_id = i.store_id and l.created_at <= coalesce(i.until, 'infinity')
    order by l.created_at desc
    limit latest
  ) as d on d.installation_id = i.id and d.status = 'pending' and d.lane not like '%\_\_bulk'
  group by i.id;
end
$$;
revoke all on function pideai_host.wait_in_main_lane(uuid[], uuid[], timestamptz[], integer) from public;
grant execute on function pideai_host.wait_in_main_lane(uuid[], uuid[], timestamptz[], integer) to pideai_host;
