-- Make due what was parked when the installation was disabled; promotion brings it back into its lane.
update public.plugin_events_log d
set next_attempt_at = now(), changed_xid = pg_current_xact_id(), late_xid = pideai_host.late_change(d.created_at)
where store_id = %(store_id)s and installation_id = %(id)s and status = 'pending'
  and park_reason = 'disabled' and msg_id is null and next_attempt_at is null
