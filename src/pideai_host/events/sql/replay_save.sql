-- Write down how far a replay is, and what of it is in a lane or parked now; in the transaction of what it has just done.
with watched as (
  insert into pideai_host.replay_watch (replay_id, id, created_at, is_parked)
  select %(id)s, w.id, w.created_at, w.is_parked
  from json_to_recordset(%(watched)s::json) as w (id uuid, created_at timestamptz, is_parked boolean)
  on conflict do nothing
)
update pideai_host.replays r
set at_store = %(at_store)s, at_time = %(at_time)s, at_id = %(at_id)s, is_read = %(is_read)s,
    done = r.done + %(done)s, replayed = r.replayed + %(replayed)s,
    skipped = %(skipped)s,
    results = %(results)s,
    paced_at = greatest(r.paced_at, now() - interval '2 seconds') + %(replayed)s * interval '1 second' / r.per_s
               + %(rest_s)s * interval '1 second',
    error = null,
    parked_after = %(parked_after)s,
    is_followed = (%(is_over)s or r.status <> 'running')
      and (json_array_length(%(watched)s::json) > 0
           or exists (select from pideai_host.replay_watch w where w.replay_id = r.id)),
    status = case when %(is_over)s then 'done' else r.status end,
    finished_at = case when %(is_over)s then now() else r.finished_at end
where r.id = %(id)s
