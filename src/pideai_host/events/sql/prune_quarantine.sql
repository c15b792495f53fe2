-- Forget what was not understood so long ago that nobody will mend it.
delete from pideai_host.quarantine
where id = any (array(
  select id from pideai_host.quarantine
  where received_at < now() - make_interval(days => %(days)s)
  order by received_at
  limit %(limit)s))
