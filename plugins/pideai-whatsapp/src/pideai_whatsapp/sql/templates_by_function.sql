SELECT public.initialize_whatsapp_templates(%(store_id)s)
