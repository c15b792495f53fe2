-- Drops partitions of events and deliveries whose whole week is older than `days`, at least 15: ids of events are
-- remembered for 14. Security definer like ensure_partitions, since the runtime role owns nothing; a number is all it takes.
--
-- A week that something still waits in stays: a delivery that is pending, or the event of one. The look goes first and
-- without a lock that anyone waits for; only then is the table taken away, which needs the parent for a moment and gives
-- way after 200 ms. Deliveries go before events, so that no delivery is without its event.
-- At most one week of each at a call, so that the parent's lock is never held while another week is looked through.

create or replace function pideai_host.drop_old_partitions(days integer) returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '200ms' as $$
declare
  parent text;
  partition record;
  waits boolean;
begin
  if days is null or days < 15 then
    raise exception 'partitions younger than 15 days are never dropped';
  end if;

  foreach parent in array array['plugin_events_log', 'plugin_events'] loop
    for partition in
      select c.relname, r.starts, r.ends
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
      cross join lateral (
        select m[1]::timestamptz as starts, m[2]::timestamptz as ends
        from regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') as m
        where m is not null
      ) as r
      where i.inhparent = format('public.%I', parent)::regclass
        and c.relnamespace = 'pideai_host'::regnamespace
        and r.ends <= now() - make_interval(days => days)
      order by r.starts
    loop
      if parent = 'plugin_events_log' then
        execute format('select exists (select from pideai_host.%I where status = ''pending'')', partition.relname) into waits;
      else
        select exists (
          select from public.plugin_events_log
          where status = 'pending' and event_created_at >= partition.starts and event_created_at < partition.ends
        ) into waits;
      end if;
      continue when waits;

      execute format('drop table pideai_host.%I', partition.relname);
      return next partition.relname;
      exit;
    end loop;
  end loop;
end
$$;
revoke all on function pideai_host.drop_old_partitions(integer) from public;
grant execute on function pideai_host.drop_old_partitions(integer) to pideai_host;
