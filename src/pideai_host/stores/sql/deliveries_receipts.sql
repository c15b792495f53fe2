-- Write what a provider reports of deliveries of one store and plugin. Status only goes forward. Where the worker has not
-- written yet that it was accepted, the report waits in `receipt` for settle.sql. Each is looked up by its primary key,
-- and they are locked in order of their ids.
with report as materialized (
  select * from json_to_recordset(%(receipts)s::json) as r (id uuid, status text, error text, data jsonb, entry jsonb)
),
met as materialized (
  select d.id, d.created_at, r.status, r.error, r.data, r.entry
  from (select * from report order by id) as r
  cross join lateral (
    select l.id, l.created_at
    from public.plugin_events_log l
    where l.id = r.id and l.store_id = %(store_id)s and l.plugin_id = %(plugin_id)s
    for no key update
  ) as d
),
changed as (
  update public.plugin_events_log d
  set status = case when d.status = 'pending' then d.status else m.status end,
      receipt = case when d.status = 'pending' then
        jsonb_build_object('status', m.status, 'error', m.error, 'data', coalesce(m.data, '{}'))
      end,
      error_message = case when d.status = 'pending' then d.error_message else m.error end,
      data = case when d.status = 'pending' or m.data is null then d.data else coalesce(d.data, '{}') || m.data end,
      history = d.history || m.entry,
      processed_at = case when d.status = 'pending' then d.processed_at else now() end,
      changed_xid = pg_current_xact_id(),
      late_xid = pideai_host.late_change(d.created_at)
  from met m
  where d.id = m.id and d.created_at is not distinct from m.created_at -- not by partition: ADR 0047
    and (d.status in ('sent', 'unknown') or d.status = 'pending' and d.receipt is null)
    -- Said twice for the planner, as in promote_due.
    and d.id = any (array(select id from met))
  returning d.id, d.status
),
doubted as (
  -- What was kept since nobody knew is settled by the scheduler, now that the log can tell (ADR 0020).
  update pideai_host.credit_holds h
  set state = 'reserved', updated_at = now()
  from changed c
  where h.store_id = %(store_id)s and h.plugin = (select slug from public.plugins where id = %(plugin_id)s)
    and h.delivery_id = c.id and h.state = 'kept' and c.status in ('delivered', 'failed')
)
select id from changed
