-- Lock the balance of a store and plugin; a month that is over counts as unspent.
select monthly_credits, extra_credits,
       case when month < date_trunc('month', now() at time zone 'utc')::date then 0 else used_this_month end as used
from pideai_host.credits
where store_id = %(store_id)s and plugin = %(plugin)s
for update
