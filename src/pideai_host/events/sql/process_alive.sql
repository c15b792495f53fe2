-- Say that a process lives; forget those that have not said so for a day.
with gone as (
  delete from pideai_host.processes where seen_at < now() - interval '1 day' and id <> %(id)s
)
insert into pideai_host.processes (id, host, pid, version, takes_events, makes_deliveries, plugins, leads, quarantined)
values (%(id)s, %(host)s, %(pid)s, %(version)s, %(takes_events)s, %(makes_deliveries)s, %(plugins)s, %(leads)s,
        %(quarantined)s::jsonb)
on conflict (id) do update
set leads = excluded.leads, plugins = excluded.plugins, quarantined = excluded.quarantined, seen_at = now()
