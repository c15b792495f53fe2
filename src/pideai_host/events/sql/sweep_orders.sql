-- One page of orders in the order of their creation, each with whether its store had any plugin by then. All of them
-- count for the page, so that it stays small however few are wanted.
select o.id, o.created_at, coalesce(o.created_at >= s.since, false) as is_wanted,
       o.created_at as installed_by, o.id as entity_id, null as status
from (
  select id, store_id, created_at
  from public.orders
  where (created_at, id) > (%(after_at)s, %(after_id)s) and created_at <= %(until)s
  order by created_at, id
  limit %(limit)s
) as o
cross join lateral (select min(installed_at) as since from public.store_plugins p where p.store_id = o.store_id) as s
order by o.created_at, o.id
