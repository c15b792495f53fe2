-- Stop a replay; what it has put into a lane goes its way, and is watched until it is settled. Answers nothing if it did not
-- run any more.
update pideai_host.replays
set status = 'cancelled', finished_at = now(), is_followed = true
where id = %(id)s and status = 'running'
returning id
