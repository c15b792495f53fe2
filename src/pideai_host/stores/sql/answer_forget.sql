delete from pideai_host.kept_answers
where user_id = %(user_id)s and store_id = %(store_id)s and key = %(key)s and holder = %(holder)s and status is null
