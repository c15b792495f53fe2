-- Installations with their sealed values in one map: those of the configuration by JSON pointer, and webhook_secret.
-- {which} picks them.
select sp.id, sp.store_id, sp.plugin_id, p.slug, sp.config, sp.enabled, coalesce(sp.priority, 0) as priority,
       sp.webhook_url, sp.config_version, sp.revision, sp.policy,
       sp.transition, sp.transition_reason, sp.transition_tries, sp.state = 'failed' as is_given_up,
       sp.config_fault, p.config_version as wanted_version,
       coalesce((select jsonb_object_agg(s.field, s.sealed)
                 from pideai_host.installation_secrets s where s.installation_id = sp.id), '{{}}')
         || case when sp.webhook_secret is null then '{{}}'
                 else jsonb_build_object('webhook_secret', sp.webhook_secret) end as sealed,
       coalesce(sp.installed_at, sp.updated_at, now()) as installed_at, coalesce(sp.updated_at, now()) as updated_at
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
where {which}
order by sp.priority, p.slug
