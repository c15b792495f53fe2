-- One delivery of a store, whole.
select d.id, d.event_id, (select p.slug from public.plugins p where p.id = d.plugin_id) as plugin, d.installation_id,
       d.event_type, d.status, d.attempts, d.response_code, d.error_message as error,
       case when d.status <> 'pending'
            then jsonb_path_query_array(d.history, '$[*] ? (!exists(@.late))') -> -1 ->> 'reason' end as reason,
       d.park_reason, d.next_attempt_at,
       d.created_at, d.processed_at, d.replay_of, d.replayed_at, d.is_late, d.response_body, d.data, d.history
from public.plugin_events_log d
where d.store_id = %(store_id)s and d.id = %(id)s
