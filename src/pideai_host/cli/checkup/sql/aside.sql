-- What was set aside and waits for somebody: changes that were not understood, installations that are stuck.
select (select count(*) from pideai_host.quarantine where received_at > now() - interval '1 day')::integer as bodies,
       (select reason from pideai_host.quarantine order by received_at desc limit 1) as reason,
       (select count(*) from public.store_plugins where state = 'failed')::integer as stuck,
       (select count(*) from public.store_plugins where config_fault is not null)::integer as unconfigured
