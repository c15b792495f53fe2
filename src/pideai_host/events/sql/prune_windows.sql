-- Forget windows of requests that are over. Small as the table is, it is read whole; nobody waits for it.
delete from pideai_host.request_windows
where (kind, id) in (
  select kind, id from pideai_host.request_windows
  where number < floor(extract(epoch from now()) / 60) - 60
  limit %(limit)s)
  and number < floor(extract(epoch from now()) / 60) - 60
