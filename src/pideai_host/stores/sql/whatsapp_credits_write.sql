update public.whatsapp_credits
set extra_credits = %(extra)s,
    credits_used_this_month = %(used)s,
    last_reset_date =
      case when last_reset_date < date_trunc('month', current_date)::date then current_date else last_reset_date end
where store_id = %(store_id)s
