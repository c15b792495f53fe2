-- Whether today's triggers still speak for the store, and no cutover of it is under way or done.
SELECT pideai_whatsapp.is_cutover_pending(%(store_id)s) AS is_pending
