-- The function says what it counts, and why it is one (migration 20261128161000).
select id, waiting, now()
from pideai_host.wait_in_main_lane(%(ids)s::uuid[], %(stores)s::uuid[], %(untils)s::timestamptz[], %(limit)s)
