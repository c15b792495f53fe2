-- Write the outcomes of a batch of one lane, fenced: only who still holds a message (same message, same read count)
-- may write; it is deleted in the same statement. A worker that lost its lease changes nothing, its late outcome is
-- kept as an attempt, unless it is in the history already: then this is the second try of a write whose answer was lost.
-- {queue} is the lane's table.
with result as materialized (
  select *
  from json_to_recordset(%(results)s::json) as r (
    msg_id bigint, read_ct integer, id uuid, created_at timestamptz, installation_id uuid, status text, attempts integer,
    delay_s float8, park_reason text, response_code integer, response_body text, error_message text,
    data jsonb, attempt jsonb)
),
held as (
  delete from {queue} q
  using result r
  where q.msg_id = r.msg_id and q.read_ct = r.read_ct
  returning q.msg_id, q.read_ct
),
settled as (
  update public.plugin_events_log d
  -- a provider's report may have come before this (deliveries_receipts.sql)
  set status = case when d.receipt is not null and r.status in ('sent', 'unknown') then d.receipt ->> 'status' else r.status end,
      receipt = case when r.status = 'pending' then d.receipt end,
      attempts = r.attempts,
      msg_id = null,
      next_attempt_at = now() + r.delay_s * interval '1 second',
      park_reason = r.park_reason,
      waiting_since = case when r.park_reason in ('wait', 'items') then coalesce(d.waiting_since, now()) end,
      response_code = r.response_code,
      response_body = r.response_body,
      error_message = case
        when d.receipt is not null and r.status in ('sent', 'unknown') then d.receipt ->> 'error' else r.error_message
      end,
      data = case when d.receipt is null then r.data else coalesce(r.data, '{{}}') || (d.receipt -> 'data') end,
      history = case when r.attempt is null then d.history else d.history || r.attempt end,
      processed_at = case when r.status <> 'pending' then now() end,
      changed_xid = pg_current_xact_id(),
      late_xid = pideai_host.late_change(d.created_at)
  from result r
  where d.id = r.id and d.created_at = r.created_at
    and d.status = 'pending' and d.msg_id = r.msg_id
    and (r.msg_id, r.read_ct) in (select msg_id, read_ct from held)
  returning r.msg_id
),
late as (
  update public.plugin_events_log d
  set history = d.history || (r.attempt || '{{"late": true}}')
  from result r
  where d.id = r.id and d.created_at = r.created_at
    and r.attempt is not null
    and (r.msg_id, r.read_ct) not in (select msg_id, read_ct from held)
    and not d.history @> jsonb_build_array(r.attempt)
)
-- looked up, not joined: joined, a batch would be compared with itself
select h.msg_id, h.read_ct, h.msg_id in (select msg_id from settled) as is_settled
from held h
