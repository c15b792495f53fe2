-- The shop's own rows, as check_and_reset_whatsapp_credits reads them, but locked, in order of the stores. A month that is
-- over counts as unspent, a last_reset_date that is null never resets.
select store_id, coalesce(monthly_credits, 0), coalesce(extra_credits, 0), coalesce(credits_used_this_month, 0),
       coalesce(last_reset_date < date_trunc('month', current_date)::date, false) as is_over
from public.whatsapp_credits
where store_id = any (%(store_ids)s)
order by store_id
for update
