UPDATE pideai_whatsapp.channels SET checked_at = clock_timestamp() WHERE store_id = %(store_id)s
