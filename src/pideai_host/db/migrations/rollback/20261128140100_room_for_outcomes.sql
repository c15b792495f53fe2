do $$
declare
  partition regclass;
begin
  for partition in
    select inhrelid::regclass from pg_inherits where inhparent = to_regclass('public.plugin_events_log')
  loop
    execute format('alter table %s set (fillfactor = 85)', partition);
  end loop;
end
$$;

-- As it was.
create or replace function pideai_host.ensure_partitions(weeks_ahead integer default 8) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  week_start timestamptz;
  suffix text;
  made integer := 0;
  parent text;
begin
  perform pg_advisory_xact_lock(hashtextextended('pideai_host.ensure_partitions', 0));
  for week in -1 .. least(greatest(weeks_ahead, 0), 52) loop
    week_start := date_trunc('week', now() at time zone 'utc') at time zone 'utc' + make_interval(weeks => week);
    suffix := to_char(week_start at time zone 'utc', 'IYYY"w"IW');
    foreach parent in array array['plugin_events', 'plugin_events_log'] loop
      if to_regclass(format('pideai_host.%I', parent || '_' || suffix)) is null then
        execute format(
          'create table pideai_host.%I partition of public.%I for values from (%L) to (%L) with (fillfactor = 85)',
          parent || '_' || suffix, parent, week_start, week_start + interval '1 week');
        execute format('alter table pideai_host.%I enable row level security', parent || '_' || suffix);
        made := made + 1;
      end if;
    end loop;
  end loop;
  return made;
end
$$;
