-- Write what an owner may change, with its sealed values: new ones replace old ones, those that are gone are deleted.
with changed as (
  update public.store_plugins
  set config = %(config)s::jsonb, enabled = %(enabled)s, priority = %(priority)s, webhook_url = %(webhook_url)s,
      webhook_secret = %(webhook_secret)s, config_version = %(config_version)s, policy = %(policy)s::jsonb,
      revision = revision + 1, updated_at = now()
  where id = %(id)s
  returning id, revision, installed_at, updated_at
),
gone as (
  delete from pideai_host.installation_secrets s
  using changed
  where s.installation_id = changed.id and not %(secrets)s::jsonb ? s.field
),
sealed as (
  insert into pideai_host.installation_secrets (installation_id, field, sealed)
  select changed.id, s.field, s.sealed from changed, json_each_text(%(secrets)s::json) as s (field, sealed)
  on conflict (installation_id, field) do update set sealed = excluded.sealed, updated_at = now()
)
select revision, installed_at, updated_at from changed
