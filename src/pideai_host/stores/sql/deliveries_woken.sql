-- Make due what waits since its plugin asked for it: what it waited for is there.
update public.plugin_events_log
set next_attempt_at = now()
where store_id = %(store_id)s and installation_id = %(installation_id)s and status = 'pending'
  and park_reason = 'wait' and msg_id is null and next_attempt_at > now()
