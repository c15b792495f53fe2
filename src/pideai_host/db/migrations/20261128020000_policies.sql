-- How deliveries are made: a plugin says it in its definition, an installation may want it otherwise in some points.

alter table public.plugins add column if not exists ordered boolean not null default false;

-- Only what differs from the plugin's, by the names of its definition: retry, breaker, limits, max_age_s, ordered.
alter table public.store_plugins add column if not exists policy jsonb;
grant select (policy) on public.store_plugins to authenticated;

-- Statements read `ordered` of it by a cast, for many stores at once: one bad value must not fail the others'.
alter table public.store_plugins drop constraint if exists store_plugins_policy_shape;
alter table public.store_plugins add constraint store_plugins_policy_shape check (
  policy is null or (jsonb_typeof(policy) = 'object' and coalesce(jsonb_typeof(policy -> 'ordered'), 'boolean') = 'boolean'));
