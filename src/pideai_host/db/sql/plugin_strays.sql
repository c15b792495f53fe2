-- What this transaction made or altered outside of one schema: rows of the catalog whose writer is still under way, which is
-- nobody but us, since others' are not seen before they have committed. What a foreign key adds to the table that it
-- names is no change of that table.
with mine as (
  select pg_current_xact_id()::text::numeric as top, %(schema)s::regnamespace as own
),
written as (
  select 1 as place, 'schema ' || quote_ident(n.nspname) as what, n.xmin as writer, n.oid as space
  from pg_namespace n
  union all
  select 2, 'relation ' || c.oid::regclass, c.xmin, c.relnamespace
  from pg_class c
  where c.relkind = any (array['r', 'p', 'v', 'm', 'S', 'f']::"char"[])
  union all
  select 3, 'function ' || p.oid::regprocedure, p.xmin, p.pronamespace
  from pg_proc p
  union all
  select 4, format('trigger %%I on %%s', t.tgname, t.tgrelid::regclass), t.xmin, c.relnamespace
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  where not t.tgisinternal
  union all
  select 5, format('policy %%I on %%s', p.polname, p.polrelid::regclass), p.xmin, c.relnamespace
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  union all
  select 6, format('column %%I of %%s', a.attname, a.attrelid::regclass), a.xmin, c.relnamespace
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  where a.attnum > 0 and c.relkind = any (array['r', 'p', 'v', 'm', 'f']::"char"[])
)
select w.what
from written w
cross join mine m
join pg_namespace n on n.oid = w.space
where w.space <> m.own
  and n.nspname !~ '^pg_(toast|temp)'
  -- ours are the transaction's own number and those of its subtransactions; a greater one of the last epoch is frozen
  and case
        when w.writer::text::numeric - m.top %% 4294967296 between 0 and 2147483647
        then pg_xact_status((w.writer::text::numeric + m.top - m.top %% 4294967296)::text::xid8) = 'in progress'
      end
order by w.place, w.what
