-- Cancel what an installation has waiting outside of its lanes.
update public.plugin_events_log d
set status = 'cancelled', processed_at = now(), error_message = 'the store has uninstalled the plugin',
    history = d.history || jsonb_build_object(
      'attempt', d.attempts, 'at', now(), 'outcome', 'cancelled', 'reason', 'uninstalled',
      'error', 'the store has uninstalled the plugin'),
    next_attempt_at = null, park_reason = null,
    changed_xid = pg_current_xact_id(), late_xid = pideai_host.late_change(d.created_at)
where store_id = %(store_id)s and installation_id = %(id)s and status = 'pending' and msg_id is null
