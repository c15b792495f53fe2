-- Requests under the same replay id go one after another, so that each sees what the one before it wrote.
select pg_advisory_xact_lock(hashtextextended('pideai_host.replay|' || %(replay_id)s::text, 0))
