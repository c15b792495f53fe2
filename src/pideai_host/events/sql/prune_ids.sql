-- Forget event ids that no door can bring any more. The order is the index's (BRIN): a batch is found without a scan of
-- the whole table.
delete from pideai_host.event_ids
where id = any (array(
  select id from pideai_host.event_ids where created_at < now() - interval '14 days' limit %(limit)s))
