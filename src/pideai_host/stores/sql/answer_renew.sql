update pideai_host.kept_answers
set held_until = now() + %(hold_s)s * interval '1 second'
where user_id = %(user_id)s and store_id = %(store_id)s and key = %(key)s and holder = %(holder)s and status is null
