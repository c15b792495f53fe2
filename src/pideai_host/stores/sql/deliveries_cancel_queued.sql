-- Cancel what an installation has queued in one lane, but for what a worker has claimed (as in deliveries_park_queued.sql).
-- {queue} is the lane's table.
with open as materialized (
  select id, created_at, msg_id
  from public.plugin_events_log
  where store_id = %(store_id)s and installation_id = %(id)s and status = 'pending' and lane = %(lane)s and msg_id is not null
),
removed as (
  delete from {queue} q
  using open o
  where q.msg_id = o.msg_id and not (q.read_ct > 0 and q.vt > clock_timestamp())
  returning q.msg_id
)
update public.plugin_events_log d
set status = 'cancelled', processed_at = now(), error_message = 'the store has uninstalled the plugin',
    history = d.history || jsonb_build_object(
      'attempt', d.attempts, 'at', now(), 'outcome', 'cancelled', 'reason', 'uninstalled',
      'error', 'the store has uninstalled the plugin'),
    msg_id = null, next_attempt_at = null, park_reason = null,
    changed_xid = pg_current_xact_id(), late_xid = pideai_host.late_change(d.created_at)
from open o
where d.id = o.id and d.created_at = o.created_at and d.status = 'pending' and d.msg_id = o.msg_id
  and (o.msg_id in (select msg_id from removed) or not exists (select from {queue} q where q.msg_id = o.msg_id))
