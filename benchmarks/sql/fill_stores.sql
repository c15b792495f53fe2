-- Stores as they are made for the demo: ready to sell, with a menu.
select pideai_dev.create_demo_store(owner_id, owner_id || '@example.com', 's-' || left(owner_id::text, 13), 'Arepera ' || n)
from (select gen_random_uuid() as owner_id, n from generate_series(1, %(count)s) as n) as owners
