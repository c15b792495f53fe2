-- One page of carts in the order in which they were given up: created, and then left for their store's delay (half an
-- hour where it says nothing). A delay is anything that an owner wrote: one beyond a week is a week.
select c.id, c.given_up_at, coalesce(c.created_at >= s.since, false) as is_wanted,
       c.created_at as installed_by, c.id as entity_id, null as status
from (
  select c.id, c.store_id, c.created_at, d.given_up_at
  from public.abandoned_carts c
  left join public.whatsapp_settings w on w.store_id = c.store_id
  cross join lateral (
    select c.created_at + least(greatest(coalesce(w.abandoned_cart_delay_minutes, 30), 0), 10080) * interval '1 minute'
  ) as d (given_up_at)
  where c.created_at > %(after_at)s - interval '7 days' and c.created_at <= %(until)s
    and (d.given_up_at, c.id) > (%(after_at)s, %(after_id)s) and d.given_up_at <= %(until)s
    and c.recovered is not true and c.reminder_sent is not true and coalesce(c.expires_at > now(), true)
  order by d.given_up_at, c.id
  limit %(limit)s
) as c
cross join lateral (select min(installed_at) as since from public.store_plugins p where p.store_id = c.store_id) as s
order by c.given_up_at, c.id
