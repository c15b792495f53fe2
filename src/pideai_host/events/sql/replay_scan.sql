-- Read on in one store's deliveries or events ({table}), oldest first, a bounded number of rows whatever is wanted of them.
-- Returns the wanted ones, and the last one that was read: up to there all is known.
with page as materialized (
  select d.id, d.created_at, {wanted} as is_wanted
  from {table} d
  where d.store_id = %(store_id)s
    and d.created_at >= %(after_at)s and d.created_at < %(until)s
    and (d.created_at, d.id) > (%(after_at)s, %(after_id)s)
  order by d.created_at, d.id
  limit %(limit)s
)
select id, created_at, is_wanted, met
from (
  select page.*, row_number() over (order by created_at desc, id desc) as from_end, count(*) over () as met from page
) as numbered
where is_wanted or from_end = 1
order by created_at, id
