-- The partitions of past weeks, as pideai_host.ensure_partitions has made them in their time.
do $$
declare
  week_start timestamptz;
  suffix text;
  parent text;
begin
  set local timezone = 'UTC';
  for week in 1 .. {weeks} + 1 loop
    week_start := date_trunc('week', now()) - make_interval(weeks => week);
    suffix := to_char(week_start, 'IYYY"w"IW');
    foreach parent in array array['plugin_events', 'plugin_events_log'] loop
      if to_regclass(format('pideai_host.%I', parent || '_' || suffix)) is null then
        execute format(
          'create table pideai_host.%I partition of public.%I for values from (%L) to (%L) with (fillfactor = 85)',
          parent || '_' || suffix, parent, week_start, week_start + interval '1 week');
        execute format('alter table pideai_host.%I enable row level security', parent || '_' || suffix);
      end if;
    end loop;
  end loop;
end
$$
