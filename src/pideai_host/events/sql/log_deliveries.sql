-- A page of a store's deliveries, newest first. The inner select bounds what is looked at, whatever is wanted of it; it is
-- read no further than the page needs.
select d.id, d.event_id, (select p.slug from public.plugins p where p.id = d.plugin_id) as plugin, d.installation_id,
       d.event_type, d.status, d.attempts, d.response_code, d.error_message as error,
       case when d.status <> 'pending'
            then jsonb_path_query_array(d.history, '$[*] ? (!exists(@.late))') -> -1 ->> 'reason' end as reason,
       d.park_reason, d.next_attempt_at,
       d.created_at, d.processed_at, d.replay_of, d.replayed_at, d.is_late
from (
  select *
  from public.plugin_events_log
  where store_id = %(store_id)s
    and created_at >= %(since)s and created_at < %(until)s
    and created_at <= %(before_at)s and (created_at, id) < (%(before_at)s, %(before_id)s)
  order by created_at desc, id desc
  limit %(examined)s
) as d
where (%(plugin)s::text is null or d.plugin_id = (select p.id from public.plugins p where p.slug = %(plugin)s))
  and (cardinality(%(types)s::text[]) = 0 or d.event_type = any (%(types)s))
  and (cardinality(%(statuses)s::text[]) = 0 or d.status = any (%(statuses)s))
order by d.created_at desc, d.id desc
limit %(limit)s
