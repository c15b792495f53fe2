-- What a store's owner is told of its breakers, the newest opening first; {which} picks them. At most so many parked
-- deliveries are counted: their index holds no others, but a count of all could take as long as there are many.
select sp.id as installation_id, p.slug as plugin, coalesce(b.phase, 'closed') as phase, b.reason, b.opened_at, b.closed_at,
       case when b.phase = 'open' then b.until end as next_probe_at,
       (select count(*)
        from (select from public.plugin_events_log d
              where d.installation_id = sp.id and d.park_reason = 'breaker' and d.next_attempt_at is null
              limit %(parked_max)s) as counted) as parked
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
left join pideai_host.breakers b on b.installation_id = sp.id
where sp.store_id = %(store_id)s and {which}
order by b.opened_at desc nulls last
