-- Cancel what an installation has queued, waiting or parked. Messages first, as in deliveries_park.sql.
with open as materialized (
  select id, created_at, lane, msg_id
  from public.plugin_events_log
  where store_id = %(store_id)s and installation_id = %(id)s and status = 'pending'
),
removed as materialized (
  select deleted
  from (select lane, array_agg(msg_id order by msg_id) as ids from open where msg_id is not null group by lane) as l
  cross join lateral pgmq.delete(l.lane, l.ids) as deleted
),
changed as (
  update public.plugin_events_log d
  set status = 'cancelled', processed_at = now(), error_message = 'the store has uninstalled the plugin',
      msg_id = null, next_attempt_at = null, park_reason = null,
      changed_xid = pg_current_xact_id(), late_xid = pideai_host.late_change(d.created_at)
  from open o, (select count(*) from removed) as messages
  where d.id = o.id and d.created_at = o.created_at
    and d.status = 'pending' and d.msg_id is not distinct from o.msg_id
  returning d.id
)
select (select count(*) from open) as met, (select count(*) from changed) as changed
