-- Bring what is due back into its lane: lock the parked rows, send their messages, store the new message ids. One
-- statement, so a crash leaves either the parked row or the message. Skip locked: any number of workers may do it. Kept to
-- some lanes while others are missing, since one without a table fails the statement for all.
-- `(select now())`: of an instant that he does not know, the planner expects much to be due and reads the index in its
-- order, as far as the limit. Of one that he knows he expects little, and reads and sorts all that is due for each batch.
with due as materialized (
  select id, created_at, lane
  from public.plugin_events_log
  where next_attempt_at <= (select now()) and (%(lanes)s::text[] is null or lane = any (%(lanes)s::text[]))
  order by next_attempt_at
  limit %(limit)s
  for update skip locked
),
load as (
  select lane,
         array_agg(jsonb_build_object('d', id, 'at', created_at) order by id) as messages,
         array_agg(id order by id) as ids,
         array_agg(created_at order by id) as times
  from due
  group by lane
),
message as (
  select l.ids[s.k] as id, l.times[s.k] as created_at, s.msg_id
  from load l
  cross join lateral pgmq.send_batch(l.lane, l.messages) with ordinality as s (msg_id, k)
),
promoted as (
  update public.plugin_events_log d
  set next_attempt_at = null, msg_id = m.msg_id,
      park_reason = case when d.park_reason = 'rate' then 'rate' end  -- its slot is reserved (reserve.sql)
  from message m
  where d.id = m.id and d.created_at = m.created_at
    -- Said twice for the planner, who takes the messages for many: it would read all of history to find a few rows.
    and d.id = any (array(select id from due))
    and d.created_at between (select min(created_at) from due) and (select max(created_at) from due)
  returning d.lane
)
select lane, count(*)::integer from promoted group by lane
