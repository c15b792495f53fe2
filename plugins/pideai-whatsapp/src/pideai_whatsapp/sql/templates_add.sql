-- Our own texts for the kinds that a store has none of; what it wrote stays.
INSERT INTO public.whatsapp_message_templates (store_id, template_type, template_name, message_body, is_active)
SELECT %(store_id)s, n.kind, n.name, n.body, n.is_active
  FROM jsonb_to_recordset(%(texts)s::jsonb) AS n (kind text, name text, body text, is_active boolean)
ON CONFLICT (store_id, template_type) DO NOTHING
