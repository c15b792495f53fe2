-- A page of what became of a store's installation of a plugin, the newest first.
select id, at, from_state, to_state, reason
from pideai_host.installation_states
where store_id = %(store_id)s and plugin = %(plugin)s and id < %(before)s
order by id desc
limit %(limit)s
