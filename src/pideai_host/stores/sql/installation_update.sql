-- Write what an owner may change, with its sealed values: new ones replace old ones, those that are gone are deleted.
-- What was under way is over, or is what the row says now.
with before as materialized (
  select id, state, transition from public.store_plugins where id = %(id)s for update
),
changed as (
  update public.store_plugins sp
  set config = %(config)s::jsonb, enabled = %(enabled)s, priority = %(priority)s, webhook_url = %(webhook_url)s,
      webhook_secret = %(webhook_secret)s, config_version = %(config_version)s, policy = %(policy)s::jsonb,
      transition = %(transition)s::text,
      transition_since = case when %(transition)s::text = before.transition then sp.transition_since else now() end,
      transition_reason = case when %(transition)s::text = before.transition
                                 or (before.transition is null and %(transition)s::text is null and not %(enabled)s)
                               then sp.transition_reason end,
      transition_tries = case when %(transition)s::text = before.transition then sp.transition_tries else 0 end,
      transition_due_at = case when %(transition)s::text = before.transition then sp.transition_due_at
                               else now() + %(grace_s)s::float8 * interval '1 second' end,
      config_fault = case when sp.config_version = %(config_version)s then sp.config_fault end,
      config_due_at = case when sp.config_version = %(config_version)s then sp.config_due_at end,
      revision = revision + %(step)s, updated_at = now()
  from before
  where sp.id = before.id
  returning sp.id, sp.store_id, before.state as old_state, sp.state, sp.revision, sp.installed_at, sp.updated_at
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
),
noted as (
  insert into pideai_host.installation_states (store_id, plugin, installation_id, from_state, to_state)
  select store_id, %(plugin)s, id, old_state, state from changed where state <> old_state
)
select revision, installed_at, updated_at from changed
