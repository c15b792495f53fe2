-- Take in hand the breakers whose cool-down is over, as far as nobody else does. One whose probe is still on its way is left
-- alone.
select b.installation_id
from pideai_host.breakers b
join public.store_plugins sp on sp.id = b.installation_id
where b.phase <> 'closed' and (b.until <= now() or (b.phase = 'open' and b.revision < sp.revision))
  and not exists (
    select from public.plugin_events_log d
    where d.id = b.probe_id and d.created_at is not distinct from b.probe_created_at -- not by partition: ADR 0047
      and d.status = 'pending' and (d.msg_id is not null or d.next_attempt_at is not null))
order by b.until
limit %(limit)s
for update of b skip locked
