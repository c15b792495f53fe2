-- What went wrong with deliveries of the last day: ended badly within an hour, or waiting to be tried again; alike ones
-- counted together.
select p.slug as plugin, d.status, d.response_code, left(coalesce(d.error_message, 'no reason given'), 160) as error,
       count(*)::integer as deliveries, count(distinct d.store_id)::integer as stores
from public.plugin_events_log d
join public.plugins p on p.id = d.plugin_id
where d.created_at > now() - interval '1 day'
  and ((d.status in ('failed', 'unknown', 'expired') and d.processed_at > now() - interval '1 hour')
       or (d.status = 'pending' and d.error_message is not null))
group by 1, 2, 3, 4
order by deliveries desc, plugin
limit 8
