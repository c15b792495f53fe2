-- The schema for everything that is the host's own, and the role that the host works as.
-- The role has no BYPASSRLS and does not inherit `authenticated`: it takes that role on purpose, for one transaction,
-- when it asks the shop's own rule of ownership on behalf of a user (supabase.md 5).

create schema if not exists pideai_host;
revoke all on schema pideai_host from public;

do $$
begin
  if to_regprocedure('public.user_owns_store(uuid)') is null then
    raise exception 'this is not a PideAI database: function public.user_owns_store(uuid) is missing'
      using hint = 'For development, apply the base first: pideai-host db base';
  end if;

  if not exists (select from pg_roles where rolname = 'pideai_host') then
    create role pideai_host nologin noinherit;
  end if;
exception
  when duplicate_object or unique_violation then
    null; -- another database of this cluster made the role at the same moment: roles belong to the cluster
end
$$;

do $$
begin
  if not pg_has_role('pideai_host', 'authenticated', 'member') then
    grant authenticated to pideai_host;
  end if;
exception
  when insufficient_privilege then
    raise warning 'pideai_host could not be granted authenticated: ownership checks will fail until an owner of that role grants it';
  when unique_violation then
    null; -- as above
end
$$;

grant usage on schema pideai_host to pideai_host;
grant usage on schema public to pideai_host;
