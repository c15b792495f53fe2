-- Take a key, or say what became of the request that has it: one round trip for both. A key is free again when a day has
-- passed, or when who answered its request has gone. No row at all: another took it just now.
with taken as (
  insert into pideai_host.kept_answers as k (user_id, store_id, key, request, holder, held_until)
  values (%(user_id)s, %(store_id)s, %(key)s, %(request)s, %(holder)s, now() + %(hold_s)s * interval '1 second')
  on conflict (user_id, store_id, key) do update
  set request = excluded.request, holder = excluded.holder, held_until = excluded.held_until,
      begun_at = now(), status = null, answer = null
  where k.begun_at < now() - interval '24 hours'
     or (k.status is null and k.held_until < now() and k.request = excluded.request)
  returning true as is_ours
)
select is_ours, true as is_same, null::smallint as status, null as answer from taken
union all
select false, k.request = %(request)s, k.status, k.answer
from pideai_host.kept_answers k
where k.user_id = %(user_id)s and k.store_id = %(store_id)s and k.key = %(key)s and not exists (select from taken)
