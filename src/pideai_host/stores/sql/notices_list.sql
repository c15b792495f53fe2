select id, at, plugin, level, message
from pideai_host.notices
where store_id = %(store_id)s and (%(before)s::bigint is null or id < %(before)s)
order by id desc
limit %(limit)s
