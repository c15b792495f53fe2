-- Note that the call for a suspect message begins, before it does: a worker that the call ends leaves this behind.
-- Not noted, only asked, of one that does not begin yet, or begins in company: then another may end the worker.
-- Answers whether it was begun under this very message before; nothing if the message is not the delivery's any more.
with met as materialized (
  select id, created_at,
         history @> jsonb_build_array(jsonb_build_object('outcome', 'begun', 'message', %(msg_id)s::bigint)) as was_begun
  from public.plugin_events_log
  where id = %(id)s and created_at = %(created_at)s and status = 'pending' and msg_id = %(msg_id)s
  for no key update
),
noted as (
  update public.plugin_events_log d
  set history = d.history || jsonb_build_object(
    'outcome', 'begun', 'message', %(msg_id)s::bigint, 'worker', %(worker)s::text, 'at', %(at)s::text)
  from met m
  where d.id = m.id and d.created_at = %(created_at)s and not m.was_begun and %(is_noted)s
)
select was_begun from met
