-- Outcome and end of message for a whole batch at once.
with result as materialized (
  select * from json_to_recordset(%(results)s::json) as r (msg_id bigint, id uuid, code integer)
),
settled as (
  update deliveries d
  set status = 'delivered', attempts = d.attempts + 1, response_code = r.code, settled_at = now()
  from result r
  where d.id = r.id
)
select from pgmq.delete('webhooks', (select array_agg(msg_id) from result))
