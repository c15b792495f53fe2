-- The same for signing secrets. The revision stays, too: nothing changed that a reader could see.
with new as (
  select * from json_to_recordset(%(sealed)s::json) as n (installation_id uuid, old text, new text)
),
free as materialized (
  select sp.id, new.new
  from public.store_plugins sp
  join new on new.installation_id = sp.id and new.old = sp.webhook_secret
  for update of sp skip locked
)
update public.store_plugins sp
set webhook_secret = free.new
from free
where sp.id = free.id
