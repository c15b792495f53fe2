-- Which plugins' lanes a process serves, and which plugins nobody serves although a store has them enabled.
alter table pideai_host.processes add column if not exists plugins text[];
comment on column pideai_host.processes.plugins is 'Whose lanes it serves; null in a process of an older version, which serves all.';

create or replace function pideai_host.unserved_plugins(silence_s double precision) returns setof text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select p.slug::text
  from public.plugins p
  where cardinality(coalesce(p.required_events, '{}')) > 0
    and coalesce(p.is_internal, true)
    and exists (select from public.store_plugins sp where sp.plugin_id = p.id and sp.enabled)
    and not exists (
      select from pideai_host.processes w
      where w.makes_deliveries
        and w.seen_at > now() - make_interval(secs => silence_s)
        and (w.plugins is null or p.slug = any (w.plugins))
        and not w.quarantined ? p.slug)
  order by 1
  limit 100
$$;
revoke all on function pideai_host.unserved_plugins(double precision) from public;
grant execute on function pideai_host.unserved_plugins(double precision) to pideai_host;
