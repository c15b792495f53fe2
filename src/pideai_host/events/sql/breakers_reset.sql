-- Close a breaker because somebody who knows better says so. It is as good as new, its openings are forgotten; what it
-- parked is made due by later statements, as after a recovery. A probe under way finds another version and says nothing.
update pideai_host.breakers b
set phase = 'closed', version = b.version + 1, closed_at = now(), is_drained = false, openings = 0, until = now(),
    probe_id = null, probe_created_at = null
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
where b.installation_id = sp.id and sp.store_id = %(store_id)s and p.slug = %(plugin)s and b.phase <> 'closed'
