-- Park what an installation has waiting outside of its lanes until it is enabled again.
update public.plugin_events_log d
set next_attempt_at = null, park_reason = 'disabled', waiting_since = null,
    changed_xid = pg_current_xact_id(), late_xid = pideai_host.late_change(d.created_at)
where store_id = %(store_id)s and installation_id = %(id)s and status = 'pending' and msg_id is null
  and (park_reason is distinct from 'disabled' or next_attempt_at is not null)
