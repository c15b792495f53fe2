do $$
declare
  plugins text;
begin
  if to_regclass('pideai_host.plugin_migrations') is not null then
    select string_agg(distinct plugin, ', ') into plugins from pideai_host.plugin_migrations;
  end if;
  if plugins is not null then
    raise exception 'the schemas of plugins are still there: %', plugins
      using hint = 'Take them back first: pideai-host migrate --plugin SLUG --rollback COUNT';
  end if;
end
$$;
drop table if exists pideai_host.plugin_migration_faults;
drop table if exists pideai_host.plugin_migrations;
