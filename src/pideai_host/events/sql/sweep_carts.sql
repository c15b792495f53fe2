-- One page of carts in the order in which they were given up: created, and then left for their store's delay. That is what
-- whatsapp_settings says, else the shortest abandonedCartDelayMinutes in the configuration of a plugin that is told of
-- carts, else half an hour. A delay is anything that an owner wrote: one beyond a week is a week.
select c.id, c.given_up_at, coalesce(c.created_at >= s.since, false) as is_wanted,
       c.created_at as installed_by, c.id as entity_id, null as status
from (
  select c.id, c.store_id, c.created_at, d.given_up_at
  from public.abandoned_carts c
  left join public.whatsapp_settings w on w.store_id = c.store_id
  cross join lateral (
    select coalesce(
      w.abandoned_cart_delay_minutes,
      (select min(case when jsonb_typeof(v.told) = 'number' then round((v.told #>> '{}')::numeric) end)
       from public.store_plugins sp
       join public.plugins p on p.id = sp.plugin_id and p.is_active and 'cart.abandoned' = any (p.required_events)
       cross join lateral (select sp.config -> 'abandonedCartDelayMinutes' as told) as v
       where sp.store_id = c.store_id and sp.enabled),
      30) as minutes
  ) as m
  cross join lateral (
    select c.created_at + least(greatest(m.minutes, 0), 10080)::integer * interval '1 minute'
  ) as d (given_up_at)
  where c.created_at > %(after_at)s - interval '7 days' and c.created_at <= %(until)s
    and (d.given_up_at, c.id) > (%(after_at)s, %(after_id)s) and d.given_up_at <= %(until)s
    and c.recovered is not true and c.reminder_sent is not true and coalesce(c.expires_at > now(), true)
  order by d.given_up_at, c.id
  limit %(limit)s
) as c
cross join lateral (select min(installed_at) as since from public.store_plugins p where p.store_id = c.store_id) as s
order by c.given_up_at, c.id
