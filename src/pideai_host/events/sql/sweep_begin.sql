-- From where and until when to sweep. A host that never swept begins with its first installation; nobody goes further
-- back than event ids are remembered, since what was kept could not be told from what is missing.
select greatest(p.position, now() - %(memory_s)s * interval '1 second') as after_at, now() as until,
       p.position < now() - %(memory_s)s * interval '1 second' as is_cut
from (
  select coalesce(
    (select position from pideai_host.sweep_cursors where name = %(name)s),
    (select min(installed_at) from public.store_plugins),
    now()) as position
) as p
