-- Write an installation with its sealed values; writes nothing where the store has installed the plugin already.
with made as (
  insert into public.store_plugins
    (id, store_id, plugin_id, config, enabled, priority, webhook_url, webhook_secret, config_version, policy,
     transition, transition_since, transition_due_at)
  values (
    %(id)s, %(store_id)s, %(plugin_id)s, %(config)s::jsonb, %(enabled)s, %(priority)s, %(webhook_url)s,
    %(webhook_secret)s, %(config_version)s, %(policy)s::jsonb,
    %(transition)s, now(), now() + %(grace_s)s::float8 * interval '1 second')
  on conflict (store_id, plugin_id) do nothing
  returning id, store_id, state, revision, installed_at, updated_at
),
sealed as (
  insert into pideai_host.installation_secrets (installation_id, field, sealed)
  select made.id, s.field, s.sealed from made, json_each_text(%(secrets)s::json) as s (field, sealed)
),
noted as (
  insert into pideai_host.installation_states (store_id, plugin, installation_id, to_state)
  select store_id, %(plugin)s, id, state from made
)
select revision, installed_at, updated_at from made
