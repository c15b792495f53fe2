-- The next store with anything ({table}) in the time asked for, among a bounded number of stores; the last one of them if
-- none has. Nothing when there are no more stores. By the shop's own table, since the log has no list of its stores.
with next_stores as materialized (
  select id from public.stores where id > %(after)s order by id limit %(limit)s
)
(
  select s.id
  from next_stores s
  where exists (
    select from {table} d where d.store_id = s.id and d.created_at >= %(since)s and d.created_at < %(until)s)
  order by s.id
  limit 1
)
union all
(select id from next_stores order by id desc limit 1)
limit 1
