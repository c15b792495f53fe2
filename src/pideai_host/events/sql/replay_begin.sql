-- Write a replay down; it begins with the scheduler's next turn. Nothing is written if it is there already, or if too many
-- run for the same store.
insert into pideai_host.replays
  (id, store_id, requested_by, plugin, event_types, statuses, only_untaken, since, until, per_s, total, total_is_exact)
select %(id)s, %(store_id)s, %(by)s, %(plugin)s, %(types)s, %(statuses)s, %(only_untaken)s, %(since)s, %(until)s,
       %(per_s)s, %(total)s, %(total_is_exact)s
where (
  select count(*) from pideai_host.replays r
  where r.status = 'running' and r.store_id is not distinct from %(store_id)s::uuid) < %(running_max)s
on conflict (id) do nothing
