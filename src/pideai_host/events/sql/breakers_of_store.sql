-- What a store's owner is told of its breakers, the newest opening first.
select b.installation_id, b.plugin, b.phase, b.reason, b.opened_at, b.closed_at,
       case when b.phase = 'open' then b.until end as next_probe_at,
       (select count(*) from public.plugin_events_log d
        where d.installation_id = b.installation_id and d.park_reason = 'breaker') as parked
from pideai_host.breakers b
where b.store_id = %(store_id)s
order by b.opened_at desc
