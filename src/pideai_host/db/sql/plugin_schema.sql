-- Shut a plugin's schema to all but the host: its tables are under row security, with one policy, to the runtime role.
-- Repeated after each of the plugin's migrations, so that no author can forget it. {schema} is the schema's name.
do $plugin_schema$
declare
  the_schema constant text := {schema};
  one record;
begin
  execute format('revoke all on schema %I from public, anon, authenticated', the_schema);
  execute format('grant usage on schema %I to pideai_host', the_schema);
  for one in
    select c.relname, c.relkind, c.relrowsecurity,
           exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'pideai_host_all') as has_policy
    from pg_class c
    where c.relnamespace = the_schema::regnamespace and c.relkind = any (array['r', 'p', 'v', 'm', 'S', 'f']::"char"[])
  loop
    execute format('revoke all on %I.%I from public, anon, authenticated', the_schema, one.relname);
    if one.relkind = 'S' then
      execute format('grant usage, select on sequence %I.%I to pideai_host', the_schema, one.relname);
    elsif one.relkind = any (array['v', 'm']::"char"[]) then
      execute format('grant select on %I.%I to pideai_host', the_schema, one.relname);
    else
      execute format('grant select, insert, update, delete on %I.%I to pideai_host', the_schema, one.relname);
    end if;
    if one.relkind = any (array['r', 'p']::"char"[]) then
      if not one.relrowsecurity then
        execute format('alter table %I.%I enable row level security', the_schema, one.relname);
      end if;
      if not one.has_policy then
        execute format('create policy pideai_host_all on %I.%I to pideai_host using (true) with check (true)',
                       the_schema, one.relname);
      end if;
    end if;
  end loop;
  for one in
    select p.oid::regprocedure::text as name, case p.prokind when 'p' then 'procedure' else 'function' end as kind
    from pg_proc p
    where p.pronamespace = the_schema::regnamespace and p.prokind <> 'a'
  loop
    execute format('revoke all on %s %s from public, anon, authenticated', one.kind, one.name);
    execute format('grant execute on %s %s to pideai_host', one.kind, one.name);
  end loop;
end
$plugin_schema$
