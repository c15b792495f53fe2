-- How much of some installations waits in their main lanes, as far as the latest deliveries of their stores tell: a look at
-- the end of an index, whatever the history. What went to the bulk lane does not count, or a store that is over its share
-- would never be under it again.
select i.id, count(d.id)::integer
from unnest(%(ids)s::uuid[], %(stores)s::uuid[]) as i (id, store_id)
left join lateral (
  select l.id, l.installation_id, l.status, l.lane
  from public.plugin_events_log l
  where l.store_id = i.store_id
  order by l.created_at desc
  limit %(limit)s
) as d on d.installation_id = i.id and d.status = 'pending' and d.lane not like '%%\_\_bulk'
group by i.id
