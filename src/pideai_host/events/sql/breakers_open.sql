-- Open a breaker, or open it again after a probe; one of several workers that want to does it. Its notice comes with it.
with opened as (
  insert into pideai_host.breakers as b
    (installation_id, store_id, plugin, phase, openings, reason, until, revision)
  select sp.id, sp.store_id, %(plugin)s, 'open', %(openings)s, %(reason)s,
         now() + %(cool_down_s)s * interval '1 second', sp.revision
  from public.store_plugins sp
  where sp.id = %(installation_id)s
  on conflict (installation_id) do update
  set phase = excluded.phase, version = b.version + 1, openings = excluded.openings,
      reason = coalesce(excluded.reason, b.reason), until = excluded.until, revision = excluded.revision,
      opened_at = case when b.phase = 'closed' then now() else b.opened_at end, closed_at = null,
      probe_id = null, probe_created_at = null
  where b.version = %(version)s
  returning b.store_id, b.plugin, b.version
),
noticed as (
  insert into pideai_host.notices (store_id, plugin, level, message)
  select store_id, plugin, 'warning', %(notice)s::text from opened where %(notice)s::text is not null
)
select version from opened
