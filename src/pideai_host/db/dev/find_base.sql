-- What this database holds of the base, or of a project that is not ours; and the settings to give back afterwards.
select
  coalesce(obj_description(to_regnamespace('auth')::oid, 'pg_namespace'), '') as mark,
  num_nonnulls(to_regclass('auth.users'), to_regclass('public.stores'), to_regclass('public.orders')) > 0 as has_tables,
  current_setting('search_path') as search_path,
  current_setting('client_min_messages') as client_min_messages
