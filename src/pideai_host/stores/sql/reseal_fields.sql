-- Put newly sealed values in the place of those that were read; what changed meanwhile, or is about to, is left alone.
-- Its last change stays what it was: the secret is the same.
with new as (
  select * from json_to_recordset(%(sealed)s::json) as n (installation_id uuid, field text, old text, new text)
),
free as materialized (
  select s.installation_id, s.field, new.new
  from pideai_host.installation_secrets s
  join new on new.installation_id = s.installation_id and new.field = s.field and new.old = s.sealed
  for update of s skip locked
)
update pideai_host.installation_secrets s
set sealed = free.new
from free
where s.installation_id = free.installation_id and s.field = free.field
