-- Breakers of all stores that are not closed, the newest opening first.
select installation_id, store_id, plugin, phase, reason, openings, opened_at,
       case when phase = 'open' then until end as next_probe_at
from pideai_host.breakers
where phase <> 'closed'
order by opened_at desc, installation_id
limit %(limit)s
