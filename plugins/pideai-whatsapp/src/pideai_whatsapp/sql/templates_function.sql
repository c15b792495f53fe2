-- Whether the shop makes the eight texts by itself, and lets us ask for it.
SELECT coalesce(has_function_privilege(to_regprocedure('public.initialize_whatsapp_templates(uuid)'), 'execute'), false)
       AS is_there
