-- Only ever forwards, whoever writes.
insert into pideai_host.sweep_cursors (name, position) values (%(name)s, %(position)s)
on conflict (name) do update set position = greatest(sweep_cursors.position, excluded.position), updated_at = now()
