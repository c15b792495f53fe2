-- The same of the shop's own row. A last_reset_date that is null never resets.
select 'whatsapp' as plugin, coalesce(c.monthly_credits, 0) as monthly, coalesce(c.extra_credits, 0) as extra,
       case when c.last_reset_date < m.began then 0 else coalesce(c.credits_used_this_month, 0) end as used,
       (select count(*) from pideai_host.credit_holds h
        where h.store_id = c.store_id and h.plugin = 'whatsapp' and h.state = 'reserved') as reserved,
       case when c.last_reset_date is not null then (m.began + interval '1 month')::timestamp at time zone 'utc' end
         as renews_at
from public.whatsapp_credits c
cross join (select date_trunc('month', current_date)::date as began) as m
where c.store_id = %(store_id)s
