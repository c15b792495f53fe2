update pideai_host.credits
set extra_credits = %(extra)s,
    used_this_month = %(used)s,
    month = greatest(month, date_trunc('month', now() at time zone 'utc')::date),
    updated_at = now()
where store_id = %(store_id)s and plugin = %(plugin)s
