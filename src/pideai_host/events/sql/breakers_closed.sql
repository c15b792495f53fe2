-- Take in hand the closed breakers that still have something parked, as far as nobody else does.
select installation_id
from pideai_host.breakers
where phase = 'closed' and not is_drained
order by closed_at
limit %(limit)s
for update skip locked
