-- A turn of a plugin's job begins.
insert into pideai_host.plugin_jobs (plugin, job, interval_s, began_at)
values (%(plugin)s, %(job)s, %(interval_s)s, now())
on conflict (plugin, job) do update set interval_s = excluded.interval_s, began_at = now()
