-- Forget entities that have nothing pending and were not touched for as long as event ids are remembered. Found by the
-- age of the row, since that index (BRIN) does not keep its updates from being heap-only.
delete from pideai_host.ordered_entities
where (installation_id, entity_id) in (
  select e.installation_id, e.entity_id
  from pideai_host.ordered_entities e
  where e.created_at < now() - interval '14 days' and e.updated_at < now() - interval '14 days'
    and not exists (
      select from pideai_host.ordered_deliveries o
      where o.installation_id = e.installation_id and o.entity_id = e.entity_id)
  limit %(limit)s
  for update skip locked)
