select to_regprocedure('public.has_module_enabled(uuid, text)') is not null as is_there
