-- Who is connected here, what he may do, and how many connections are left for him.
select current_user::text as name, r.rolsuper or r.rolbypassrls as passes_security,
       coalesce((select pg_has_role(c.relowner, 'usage') from pg_class c where c.oid = to_regclass('public.plugin_events_log')),
                false) as owns,
       current_setting('server_version') as version,
       current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer as slots,
       (select count(*) from pg_stat_activity where backend_type = 'client backend')::integer as used
from pg_roles r
where r.rolname = current_user
