-- One page of status changes, as for orders. The first status of an order is no change.
select h.id, h.changed_at,
       coalesce(h.changed_at >= s.since and h.from_status <> h.to_status, false) as is_wanted,
       h.changed_at as installed_by, h.order_id, h.to_status
from (
  select id, order_id, store_id, from_status, to_status, changed_at
  from public.order_status_history
  where (changed_at, id) > (%(after_at)s, %(after_id)s) and changed_at <= %(until)s
  order by changed_at, id
  limit %(limit)s
) as h
cross join lateral (select min(installed_at) as since from public.store_plugins p where p.store_id = h.store_id) as s
order by h.changed_at, h.id
