-- All breakers that are shared: few rows. `is_due`: a probe is to be sent; `needs_care`: what it parked is to be made due,
-- or it can be forgotten.
select b.installation_id, b.phase, b.version, b.openings, extract(epoch from b.until - now())::float8 as left_s, b.probe_id,
       b.phase <> 'closed' and (b.until <= now() or (b.phase = 'open' and b.revision < sp.revision)) as is_due,
       b.phase = 'closed' and (not b.is_drained or b.until <= now()) as needs_care
from pideai_host.breakers b
join public.store_plugins sp on sp.id = b.installation_id
