UPDATE public.whatsapp_settings SET is_enabled = false WHERE store_id = %(store_id)s AND is_enabled IS DISTINCT FROM false
