update pideai_host.kept_answers
set status = %(status)s, answer = %(answer)s
where user_id = %(user_id)s and store_id = %(store_id)s and key = %(key)s and holder = %(holder)s
