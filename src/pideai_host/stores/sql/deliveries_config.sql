-- Make due what waits for an installation's configuration to be brought up.
update public.plugin_events_log
set next_attempt_at = now()
where store_id = %(store_id)s and installation_id = %(id)s and status = 'pending'
  and park_reason = 'config' and msg_id is null and next_attempt_at is not null
