-- How many sealed values name which key: v1.<key>.<text>.
select split_part(sealed, '.', 2) as kid, count(*) as secrets
from (
  select sealed from pideai_host.installation_secrets
  union all
  select webhook_secret from public.store_plugins where webhook_secret is not null
) as s
group by 1
order by 1
