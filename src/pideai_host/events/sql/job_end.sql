-- It has ended.
update pideai_host.plugin_jobs
set ended_at = now(), outcome = %(outcome)s, error = %(error)s, took_s = %(took_s)s, turns = turns + 1,
    failures = case when %(outcome)s = 'ok' then 0 else failures + 1 end
where plugin = %(plugin)s and job = %(job)s
