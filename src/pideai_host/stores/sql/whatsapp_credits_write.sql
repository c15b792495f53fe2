-- What did not change stays as it is, null for one.
update public.whatsapp_credits c
set monthly_credits = case when coalesce(c.monthly_credits, 0) <> b.monthly then b.monthly else c.monthly_credits end,
    extra_credits = case when coalesce(c.extra_credits, 0) <> b.extra then b.extra else c.extra_credits end,
    credits_used_this_month = b.used,
    last_reset_date =
      case when c.last_reset_date < date_trunc('month', current_date)::date then current_date else c.last_reset_date end
from json_to_recordset(%(balances)s::json) as b (store_id uuid, monthly integer, extra integer, used integer)
where c.store_id = b.store_id
