-- What a store has for its plugins in our own table, or for one of them; a month that is over counts as unspent.
select c.plugin, c.monthly_credits as monthly, c.extra_credits as extra,
       case when c.month < m.began then 0 else c.used_this_month end as used,
       (select count(*) from pideai_host.credit_holds h
        where h.store_id = c.store_id and h.plugin = c.plugin and h.state = 'reserved') as reserved,
       (m.began + interval '1 month')::timestamp at time zone 'utc' as renews_at
from pideai_host.credits c
cross join (select date_trunc('month', now() at time zone 'utc')::date as began) as m
where c.store_id = %(store_id)s and c.plugin <> 'whatsapp' and c.plugin = coalesce(%(plugin)s::text, c.plugin)
order by c.plugin
