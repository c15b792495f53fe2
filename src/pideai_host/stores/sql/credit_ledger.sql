-- One page of a ledger, the newest first.
select id, at, movement, credit_type, amount, available, delivery_id, reference, granted
from pideai_host.credit_ledger
where store_id = %(store_id)s and plugin = %(plugin)s and id < coalesce(%(before)s::bigint, 9223372036854775807)
order by id desc
limit %(limit)s
