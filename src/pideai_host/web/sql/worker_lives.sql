-- A row if any process makes deliveries and was seen lately.
select 1
from pideai_host.processes
where makes_deliveries and seen_at > now() - make_interval(secs => %(silence_s)s)
limit 1
