update pideai_host.credits c
set monthly_credits = b.monthly,
    extra_credits = b.extra,
    used_this_month = b.used,
    month = greatest(c.month, date_trunc('month', now() at time zone 'utc')::date),
    updated_at = now()
from json_to_recordset(%(balances)s::json) as b (store_id uuid, monthly integer, extra integer, used integer)
where c.store_id = b.store_id and c.plugin = %(plugin)s
