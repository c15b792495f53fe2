-- Not while today's triggers speak for the store: they ask this row whether to.
UPDATE public.whatsapp_settings
   SET is_enabled = false
 WHERE store_id = %(store_id)s AND is_enabled IS DISTINCT FROM false
   AND NOT pideai_whatsapp.triggers_speak(%(store_id)s)
