-- A new status; returns the body of the webhook for the UPDATE, both rows whole.
with before as materialized (
  select * from public.orders where id = %(order_id)s
),
moved as (
  update public.orders set status = %(status)s where id = %(order_id)s returning *
)
select jsonb_build_object(
  'type', 'UPDATE', 'table', 'orders', 'schema', 'public',
  'record', to_jsonb(moved), 'old_record', to_jsonb(before))::text
from moved, before
