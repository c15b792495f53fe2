-- What intake needs of some stores: their currency, and every installation with the types its plugin subscribes to,
-- the disabled ones included, so that enabling one does not make the host's copy old.
select s.id,
       coalesce(s.currency, 'USD') as currency,
       coalesce(
         (select json_agg(json_build_object('id', sp.id, 'events', coalesce(p.required_events, '{}')))
          from public.store_plugins sp join public.plugins p on p.id = sp.plugin_id
          where sp.store_id = s.id),
         '[]')::text as installations
from public.stores s
where s.id = any (%(ids)s)
