-- Forget old changes of installations' states. The oldest have the lowest ids, so that the primary key finds them.
delete from pideai_host.installation_states
where id = any (array(
  select o.id
  from (select id, at from pideai_host.installation_states order by id limit %(limit)s) as o
  where o.at < now() - make_interval(days => %(days)s)))
