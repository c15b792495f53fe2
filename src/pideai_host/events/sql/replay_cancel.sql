-- Stop a replay; what it has put into a lane goes its way. Answers nothing if it did not run any more.
with stopped as (
  update pideai_host.replays
  set status = 'cancelled', finished_at = now()
  where id = %(id)s and status = 'running'
  returning id
), left_alone as (
  delete from pideai_host.replay_watch w using stopped s where w.replay_id = s.id
)
select id from stopped
