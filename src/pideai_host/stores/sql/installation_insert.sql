-- Write an installation with its sealed values; writes nothing where the store has installed the plugin already.
with made as (
  insert into public.store_plugins
    (id, store_id, plugin_id, config, enabled, priority, webhook_url, webhook_secret, config_version, policy)
  values (
    %(id)s, %(store_id)s, %(plugin_id)s, %(config)s::jsonb, %(enabled)s, %(priority)s, %(webhook_url)s,
    %(webhook_secret)s, %(config_version)s, %(policy)s::jsonb)
  on conflict (store_id, plugin_id) do nothing
  returning id, revision, installed_at, updated_at
),
sealed as (
  insert into pideai_host.installation_secrets (installation_id, field, sealed)
  select made.id, s.field, s.sealed from made, json_each_text(%(secrets)s::json) as s (field, sealed)
)
select revision, installed_at, updated_at from made
