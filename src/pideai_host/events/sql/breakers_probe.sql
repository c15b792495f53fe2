-- Choose a probe for each breaker whose cool-down is over: the newest of what it parked, since that is the most likely to
-- be still wanted. It is due a little later, once every worker has read which it is. A breaker whose probe is still on its
-- way, or that has parked nothing, is left alone.
with due as materialized (
  select b.installation_id
  from pideai_host.breakers b
  join public.store_plugins sp on sp.id = b.installation_id
  where b.phase <> 'closed' and (b.until <= now() or (b.phase = 'open' and b.revision < sp.revision))
    and not exists (
      select from public.plugin_events_log d
      where d.id = b.probe_id and d.created_at = b.probe_created_at
        and d.status = 'pending' and (d.msg_id is not null or d.next_attempt_at is not null))
  order by b.until
  limit %(limit)s
  for update of b skip locked
),
chosen as materialized (
  select p.id, p.created_at
  from due
  cross join lateral (
    select d.id, d.created_at
    from public.plugin_events_log d
    where d.installation_id = due.installation_id and d.park_reason = 'breaker' and d.next_attempt_at is null
      and d.msg_id is null and d.status = 'pending'
    order by d.created_at desc
    limit 1) as p
),
sent as (
  update public.plugin_events_log d
  set next_attempt_at = now() + %(heard_within_s)s * interval '1 second'
  from chosen c
  where d.id = c.id and d.created_at = c.created_at
    and d.park_reason = 'breaker' and d.next_attempt_at is null and d.msg_id is null and d.status = 'pending'
  returning d.id, d.created_at, d.installation_id
)
update pideai_host.breakers b
set phase = 'half_open', version = b.version + 1, probe_id = s.id, probe_created_at = s.created_at,
    until = now() + %(look_again_s)s * interval '1 second'
from sent s
where b.installation_id = s.installation_id
