-- Say what is under way with an installation, or that nothing is any more, and nothing else of it: its revision stays.
with before as materialized (
  select id, store_id, state, transition from public.store_plugins where id = %(id)s for update
),
changed as (
  update public.store_plugins sp
  set transition = %(transition)s::text,
      transition_since = case when %(transition)s::text = before.transition then sp.transition_since else now() end,
      transition_reason = %(kept_reason)s,
      transition_tries = %(tries)s,
      transition_due_at = now() + %(due_s)s::float8 * interval '1 second'
  from before
  where sp.id = before.id
  returning sp.id, sp.store_id, before.state as old_state, sp.state
),
noted as (
  insert into pideai_host.installation_states (store_id, plugin, installation_id, from_state, to_state, reason)
  select store_id, %(plugin)s, id, old_state, state, %(reason)s
  from changed
  where state <> old_state or %(reason)s::text is not null
)
select 1 from changed
