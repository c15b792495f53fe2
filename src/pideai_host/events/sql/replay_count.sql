-- How many of the deliveries or events ({table}) a replay would deal with, of a bounded number that are looked at.
select count(*) filter (where is_wanted), count(*) > %(limit)s
from (
  select {wanted} as is_wanted
  from {table} d
  where {of_store} and d.created_at >= %(since)s and d.created_at < %(until)s
  limit %(limit)s + 1
) as met
