-- The capture triggers on one of the shop's tables, and what of it no worker took in yet.
select
  coalesce(
    (select json_object_agg(t.tgname, t.tgenabled in ('O', 'A') order by t.tgname)
     from pg_trigger t
     where t.tgrelid = to_regclass(format('public.%%I', %(table)s::text)) and t.tgname = any (%(names)s::text[])),
    '{}') as triggers,
  w.waiting, w.oldest
from (
  select count(*)::integer as waiting, now() - min(captured_at) as oldest
  from (select captured_at from pideai_host.captured_changes
        where table_schema = 'public' and table_name = %(table)s
        order by id limit %(limit)s) as counted
) as w
