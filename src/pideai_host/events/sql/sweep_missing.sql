-- Which of these events nobody kept.
select w.id from unnest(%(ids)s::uuid[]) as w (id)
where not exists (select from pideai_host.event_ids e where e.id = w.id)
