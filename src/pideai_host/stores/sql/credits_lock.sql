-- Lock the balances of a plugin in some stores, in order of the stores, so that two who lock several never wait for each
-- other.
select store_id, monthly_credits, extra_credits, used_this_month,
       month < date_trunc('month', now() at time zone 'utc')::date as is_over
from pideai_host.credits
where store_id = any (%(store_ids)s) and plugin = %(plugin)s
order by store_id
for update
