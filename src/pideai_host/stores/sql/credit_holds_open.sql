-- One page of the credits that have been reserved for a while, oldest first, each with whether its delivery has ended. All
-- of them count for the page, so that it stays small however few have. The limit of one has the log asked by its key, not
-- read whole for a join.
select h.updated_at, h.delivery_id, h.store_id, h.plugin, coalesce(d.status, '') <> 'pending' as has_ended
from (
  select store_id, plugin, delivery_id, updated_at
  from pideai_host.credit_holds
  where state = 'reserved' and updated_at < now() - %(rest_s)s * interval '1 second'
    and (updated_at, delivery_id) > (%(after_at)s, %(after_id)s)
  order by updated_at, delivery_id
  limit %(limit)s
) as h
left join lateral (
  select d.status from public.plugin_events_log d where d.id = h.delivery_id and d.store_id = h.store_id limit 1
) as d on true
order by h.updated_at, h.delivery_id
