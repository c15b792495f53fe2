-- Change one of a store's texts, or write the first one of its kind; what is null stays.
INSERT INTO public.whatsapp_message_templates AS t (store_id, template_type, template_name, message_body, is_active)
VALUES (%(store_id)s, %(kind)s, %(name)s, coalesce(%(body)s::text, %(default_body)s::text),
        coalesce(%(is_active)s::boolean, true))
ON CONFLICT (store_id, template_type) DO UPDATE
   SET message_body = coalesce(%(body)s::text, t.message_body),
       is_active = coalesce(%(is_active)s::boolean, t.is_active)
RETURNING t.template_type, t.template_name, t.message_body, t.is_active IS TRUE AS is_active, t.updated_at
