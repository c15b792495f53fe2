-- Of some deliveries that still hold a credit of a plugin: how they ended, if they did. What the log has lost is kept, as
-- nobody can tell any more; a delivery is in the log before it can hold anything, so that is never a young one.
-- The bounds name the partition of a delivery whose creation is known, the limit keeps the log from being read whole.
select h.store_id, h.delivery_id, h.credit_type,
       case
         when d.status in ('delivered', 'sent') then 'charge'
         when d.status in ('failed', 'expired', 'cancelled') then 'give_back'
         when d.status = 'unknown' or d.status is null and h.updated_at < now() - interval '1 day' then 'keep'
       end as ending
from unnest(%(store_ids)s::uuid[], %(delivery_ids)s::uuid[], %(times)s::timestamptz[]) as w (store_id, delivery_id, created_at)
join pideai_host.credit_holds h
  on h.store_id = w.store_id and h.plugin = %(plugin)s and h.delivery_id = w.delivery_id and h.state = 'reserved'
left join lateral (
  select d.status
  from public.plugin_events_log d
  where d.id = h.delivery_id and d.store_id = h.store_id
    and d.created_at >= coalesce(w.created_at, '-infinity') and d.created_at <= coalesce(w.created_at, 'infinity')
  limit 1
) as d on true
