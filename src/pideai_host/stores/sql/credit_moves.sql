-- Write movements in their order, and what became of the deliveries' holds by them.
with moved as (
  insert into pideai_host.credit_ledger
    (store_id, plugin, delivery_id, movement, credit_type, amount, available, reference, granted)
  select m.store_id, %(plugin)s, m.delivery_id, m.movement, m.credit_type, m.amount, m.available, m.reference, m.granted
  from json_to_recordset(%(moves)s::json) as m (
    n integer, store_id uuid, delivery_id uuid, movement text, credit_type text, amount integer, available integer,
    reference text, granted integer)
  order by m.n
)
insert into pideai_host.credit_holds (store_id, plugin, delivery_id, credit_type, state)
select h.store_id, %(plugin)s, h.delivery_id, h.credit_type, h.state
from json_to_recordset(%(holds)s::json) as h (store_id uuid, delivery_id uuid, credit_type text, state text)
on conflict (store_id, plugin, delivery_id) do update
set credit_type = excluded.credit_type, state = excluded.state, updated_at = now()
