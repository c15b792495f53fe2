-- Close a breaker after its probe's success, with the notice. What was parked is made due by later statements: a settle
-- that still saw it open holds a lock on the row, so its parked rows are there once this has committed.
with closed as (
  update pideai_host.breakers b
  set phase = 'closed', version = b.version + 1, closed_at = now(), is_drained = false,
      until = now() + %(memory_s)s * interval '1 second', probe_id = null, probe_created_at = null
  where b.installation_id = %(installation_id)s and b.version = %(version)s
  returning b.store_id, b.plugin, b.version
),
noticed as (
  insert into pideai_host.notices (store_id, plugin, level, message)
  select store_id, plugin, 'info', %(notice)s::text from closed
)
select version from closed
