-- What the ledger says is left of a store's credits for a plugin, and what a delivery holds or held of them. After the lock
-- and apart from it: only a later statement sees what was waited for.
select coalesce(
         (select l.available
          from pideai_host.credit_ledger l
          where l.store_id = %(store_id)s and l.plugin = %(plugin)s
          order by l.id desc
          limit 1),
         0),
       h.credit_type, h.state
from (select) as one
left join pideai_host.credit_holds h
  on h.store_id = %(store_id)s and h.plugin = %(plugin)s and h.delivery_id = %(delivery_id)s
