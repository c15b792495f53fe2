update public.plugin_events_log d
set next_attempt_at = now()
from (
  select id, created_at from public.plugin_events_log
  where installation_id = %(id)s and next_attempt_at is not null
  limit %(limit)s
) as p
where d.id = p.id and d.created_at = p.created_at
