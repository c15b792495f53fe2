-- What the ledger says is left of a plugin's credits in some stores. After the lock and apart from it: only a later
-- statement sees what was waited for.
select w.store_id,
       coalesce(
         (select l.available
          from pideai_host.credit_ledger l
          where l.store_id = w.store_id and l.plugin = %(plugin)s
          order by l.id desc
          limit 1),
         0) as available
from unnest(%(store_ids)s::uuid[]) as w (store_id)
