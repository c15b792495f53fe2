-- Choose a probe for each breaker whose cool-down is over: the newest of what it parked, since that is the most likely to
-- be still wanted. It is due a little later, once every worker has read which it is. A breaker whose probe is still on its
-- way, or that has parked nothing, is left alone.
with due as materialized (
  select installation_id from unnest(%(ids)s::uuid[]) as b (installation_id)
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
