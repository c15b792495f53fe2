-- A store's own texts.
SELECT t.template_type, t.template_name, t.message_body, t.is_active IS TRUE AS is_active, t.updated_at
  FROM public.whatsapp_message_templates t
 WHERE t.store_id = %(store_id)s
