-- Where a page that was bounded by what it may look at has stopped; nothing if it has seen all there is. {table}
select created_at, id
from {table}
where store_id = %(store_id)s
  and created_at >= %(since)s and created_at < %(until)s
  and created_at <= %(before_at)s and (created_at, id) < (%(before_at)s, %(before_id)s)
order by created_at desc, id desc
offset %(examined)s - 1
limit 1
