-- The shop's own row, as check_and_reset_whatsapp_credits reads it, but locked: a month that is over counts as unspent,
-- a last_reset_date that is null never resets.
select coalesce(monthly_credits, 0), coalesce(extra_credits, 0),
       case when last_reset_date < date_trunc('month', current_date)::date then 0
            else coalesce(credits_used_this_month, 0) end as used
from public.whatsapp_credits
where store_id = %(store_id)s
for update
