-- The three roles that PostgREST takes, and the grants that Supabase gives them on everything new in `public`.

-- Roles belong to the whole cluster: another database's run may make them at the same moment.
do $$
begin
  begin
    create role anon nologin noinherit;
  exception when duplicate_object or unique_violation then null;
  end;
  begin
    create role authenticated nologin noinherit;
  exception when duplicate_object or unique_violation then null;
  end;
  begin
    create role service_role nologin noinherit bypassrls;
  exception when duplicate_object or unique_violation then null;
  end;
end
$$;

grant usage on schema public to anon, authenticated, service_role;

-- As on the platform, so that a migration which forgets to revoke is seen here first.
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;

-- What only this base has, and production has not.
create schema if not exists pideai_dev;
