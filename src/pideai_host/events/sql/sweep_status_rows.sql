-- The order as it stands, with the status and the version of that moment. An owner may write history for the own store
-- only, but names any order in it: so the order has to be the same store's.
select h.id,
       (to_jsonb(o) || jsonb_build_object('status', h.to_status, 'updated_at', h.changed_at))::text as record,
       jsonb_build_object('status', h.from_status)::text as old_record
from public.order_status_history h
join public.orders o on o.id = h.order_id and o.store_id = h.store_id
where h.id = any (%(ids)s)
