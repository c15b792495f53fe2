-- Keep what became of a delivery's credit, and the movement that did it.
with moved as (
  insert into pideai_host.credit_ledger (store_id, plugin, delivery_id, movement, credit_type, amount, available)
  values (
    %(store_id)s, %(plugin)s, %(delivery_id)s, %(movement)s, %(credit_type)s, %(amount)s, %(available)s)
)
insert into pideai_host.credit_holds (store_id, plugin, delivery_id, credit_type, state)
values (%(store_id)s, %(plugin)s, %(delivery_id)s, %(credit_type)s, %(state)s)
on conflict (store_id, plugin, delivery_id) do update
set credit_type = excluded.credit_type, state = excluded.state, updated_at = now()
