-- Of installations that outcomes are about to be parked for: which were enabled since they were found disabled, and whose
-- breaker has closed since. The locks order us with that: either we see it, or it comes after us and sees our parked rows.
-- Apart from settle.sql and before it: what locks looks up no delivery (ADR 0047).
with enabled_again as materialized (
  select sp.id
  from public.store_plugins sp
  where sp.enabled and sp.id = any (%(disabled)s::uuid[])
  for share
),
still_open as materialized (
  select b.installation_id
  from pideai_host.breakers b
  where b.phase <> 'closed' and b.installation_id = any (%(broken)s::uuid[])
  for share
)
select 'disabled', id from enabled_again
union all
select 'breaker', id
from unnest(%(broken)s::uuid[]) as b (id)
where id not in (select installation_id from still_open)
