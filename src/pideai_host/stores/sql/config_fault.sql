-- Tell why a configuration could not be brought up; whether that is news.
with before as materialized (
  select id, config_fault from public.store_plugins where id = %(id)s for update
)
update public.store_plugins sp
set config_fault = %(fault)s, config_due_at = now() + %(due_s)s::float8 * interval '1 second'
from before
where sp.id = before.id
returning before.config_fault is distinct from %(fault)s::text as is_new
