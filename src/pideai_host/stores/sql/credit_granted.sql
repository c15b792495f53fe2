-- A grant by its idempotency key.
select id, at, movement, credit_type, amount, available, delivery_id, reference, granted
from pideai_host.credit_ledger
where store_id = %(store_id)s and plugin = %(plugin)s and reference = %(reference)s
