"""A plugin's own schema: applied once and in order, shut to all but the host, and nobody else's trouble."""

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from pideai_host.api import PluginFault
from pideai_host.db.plugin_files import MigrationFile, PluginMigrations
from pideai_host.db.plugin_ledger import PluginLedger
from pideai_host.plugins.migrating import migrate_plugins, plugin_states, roll_back_plugin
from pideai_host.plugins.migrations import without_unmigrated
from pideai_host.plugins.records import Phase, Status
from pideai_host.plugins.registry import load_registry
from pideai_host.settings import Settings
from pideai_host.web.engine import open_engine
from pideai_host.web.readiness import refused_here

DISTS = Path(__file__).parents[2] / "dists"


@pytest.fixture
def load(monkeypatch):
    """Load fake distributions and nothing else."""

    def of(*cases):
        folders = [str(DISTS / case) for case in cases]
        for folder in folders:
            monkeypatch.syspath_prepend(folder)
        return load_registry(paths=folders)

    yield of
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def ledger(database):
    """The ledger, on a connection of the owner."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        yield PluginLedger(connection)


@pytest.fixture
def rows(database):
    def ask(statement, url=database.admin_url):
        with psycopg.connect(url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    return ask


def plugin(*texts):
    """A plugin `sample` with such migrations."""
    return PluginMigrations(
        "sample", tuple(MigrationFile(f"00{n}_step", text, "drop table t") for n, text in enumerate(texts, start=1))
    )


def summary(applied):
    return [(one.slug, one.names, None if one.fault is None else one.fault.message) for one in applied]


def test_files_are_applied_in_the_order_of_names_and_once(database, load):
    registry = load("migrated")

    assert summary(migrate_plugins(database.admin_url, registry)) == [("migrated", ("001_pickups", "002_states"), None)]
    assert summary(migrate_plugins(database.admin_url, registry)) == [("migrated", (), None)]


def test_names_that_are_not_qualified_are_of_the_plugins_schema(database, ledger, rows):
    ledger.apply(plugin("create table orders (n int)"))

    assert rows("select to_regclass('pideai_sample.orders') is not null") == [(True,)]


def test_the_runtime_role_reads_and_writes_tables_views_and_sequences(database, load, rows):
    migrate_plugins(database.admin_url, load("migrated"))
    rows(
        "insert into pideai_migrated.pickups (id, store_id) values (gen_random_uuid(), gen_random_uuid()) returning id",
        database.runtime_url,
    )

    assert rows(
        "select pideai_migrated.open_count(), number from pideai_migrated.open_pickups", database.runtime_url
    ) == [(1, 1)]


def test_every_table_is_under_row_security_with_the_hosts_policy_alone(database, load, rows):
    migrate_plugins(database.admin_url, load("migrated"))

    assert rows("select relrowsecurity from pg_class where oid = 'pideai_migrated.pickups'::regclass") == [(True,)]
    assert rows("select policyname, roles::text[] from pg_policies where schemaname = 'pideai_migrated'") == [
        ("pideai_host_all", ["pideai_host"])
    ]


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_users_of_the_project_get_nothing(database, load, rows, role):
    migrate_plugins(database.admin_url, load("migrated"))
    found = rows(
        f"""select has_schema_privilege('{role}', 'pideai_migrated', 'usage'),
          has_table_privilege('{role}', 'pideai_migrated.pickups', 'select,insert,update,delete'),
          has_table_privilege('{role}', 'pideai_migrated.open_pickups', 'select'),
          has_function_privilege('{role}', 'pideai_migrated.open_count()', 'execute')"""
    )

    assert found == [(False, False, False, False)]


def test_what_was_made_beside_the_migrations_is_shut_by_the_next_run(database, load, rows):
    registry = load("migrated")
    migrate_plugins(database.admin_url, registry)
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("create table pideai_migrated.by_hand (n int); grant all on pideai_migrated.by_hand to anon")
    migrate_plugins(database.admin_url, registry)

    assert rows(
        """select relrowsecurity, has_table_privilege('anon', oid, 'select'),
          has_table_privilege('pideai_host', oid, 'select')
        from pg_class where oid = 'pideai_migrated.by_hand'::regclass"""
    ) == [(True, False, True)]


def test_a_failing_file_leaves_nothing_of_itself_and_stops_its_plugin_alone(database, load, rows):
    done = migrate_plugins(database.admin_url, load("migration_fails", "migrated"))

    assert summary(done) == [
        ("migrated", ("001_pickups", "002_states"), None),
        ("migration-fails", (), "migration-fails: migration 002_bad: division by zero"),
    ]
    assert rows("select to_regclass('pideai_migration_fails.fine') is null") == [(False,)]
    assert rows("select to_regclass('pideai_migration_fails.half') is null") == [(True,)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("create table public.mine (n int)", "relation public.mine"),
        ("alter table public.orders add column courier text", "column courier of public.orders"),
        ("create function public.f() returns int language sql as 'select 1'", "function public.f()"),
        ("alter table pideai_host.audit disable row level security", "relation pideai_host.audit"),
        ("create schema elsewhere", "schema elsewhere"),
        ("create policy p on public.orders using (true)", "policy p on public.orders"),
        (
            "create trigger t before insert on public.orders for each row execute function pideai_host.keep_audit()",
            "trigger t on public.orders",
        ),
        (
            "do $$ begin create table public.mine (n int); exception when others then null; end $$",
            "relation public.mine",
        ),
    ],
    ids=["table", "column", "function", "row security", "schema", "policy", "trigger", "in a subtransaction"],
)
def test_a_file_that_reaches_outside_of_its_schema_is_refused_whole(ledger, rows, text, named):
    with pytest.raises(PluginFault) as refused:
        ledger.apply(plugin(f"create table t (n int);\n{text}"))

    assert "reaches outside of schema pideai_sample" in refused.value.message
    assert named in refused.value.message
    assert rows("select to_regclass('pideai_sample.t') is null") == [(True,)]


def test_a_file_may_refer_to_the_shops_tables(ledger):
    text = "create table t (store_id uuid references public.stores (id) on delete cascade)"

    assert ledger.apply(plugin(text)) == ["001_step"]


def test_a_file_that_ends_its_transaction_is_refused(ledger):
    with pytest.raises(PluginFault, match="ends the transaction"):
        ledger.apply(plugin("create table t (n int); commit;"))


def test_an_applied_file_that_changed_is_refused(ledger):
    ledger.apply(plugin("create table t (n int)"))

    with pytest.raises(PluginFault, match="001_step changed after it was applied"):
        ledger.apply(plugin("create table t (n bigint)"))


def test_an_applied_file_whose_lines_end_otherwise_is_the_same(ledger):
    ledger.apply(plugin("create table t (\n n int)\n"))

    assert ledger.apply(plugin("create table t (\r\n n int)\r\n")) == []


def test_an_applied_file_that_is_gone_is_refused(ledger):
    ledger.apply(plugin("create table t (n int)", "create table u (n int)"))

    with pytest.raises(PluginFault, match="002_step was applied, and the plugin has it no more"):
        ledger.apply(plugin("create table t (n int)"))


def test_the_newest_is_taken_back(database, load, rows):
    registry = load("migrated")
    migrate_plugins(database.admin_url, registry)

    assert roll_back_plugin(database.admin_url, registry, "migrated", 1) == ["002_states"]
    [states] = plugin_states(database.admin_url, registry).values()
    assert [one.applied_at is not None for one in states] == [True, False]


def test_with_the_last_one_goes_the_schema(database, load, rows):
    registry = load("migrated")
    migrate_plugins(database.admin_url, registry)
    roll_back_plugin(database.admin_url, registry, "migrated", 9)

    assert rows("select to_regnamespace('pideai_migrated') is null") == [(True,)]
    assert summary(migrate_plugins(database.admin_url, registry)) == [("migrated", ("001_pickups", "002_states"), None)]


async def test_a_plugin_that_is_migrated_is_used(database, pool, load):
    registry = load("migrated")
    migrate_plugins(database.admin_url, registry)

    assert list((await without_unmigrated(registry, pool)).definitions) == ["migrated"]


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("migrated", "its migrations are behind (001_pickups, 002_states); run `pideai-host migrate`"),
        ("migration_one_way", "001_there.sql has no rollback/001_there.sql that undoes it"),
        ("migration_nowhere", "migrations names fake_migration_nowhere_sql, which cannot be imported"),
        ("migration_raises", "its migrations cannot be read: RuntimeError: no migrations today"),
    ],
)
async def test_a_plugin_that_is_not_migrated_is_refused_alone(pool, load, case, why):
    registry = await without_unmigrated(load(case, "ok"), pool)
    [record] = [one for one in registry.records if one.slug != "ok-one"]

    assert list(registry.definitions) == ["ok-one"]
    assert (record.status, record.phase) == (Status.BROKEN, Phase.MIGRATIONS)
    assert why in record.error


async def test_a_plugin_whose_migration_failed_is_refused_with_what_went_wrong(database, pool, load):
    registry = load("migration_fails")
    migrate_plugins(database.admin_url, registry)
    [record] = (await without_unmigrated(registry, pool)).records

    assert "migration 002_bad: division by zero" in record.error


async def test_older_code_lives_with_what_newer_code_has_applied(database, pool, load, ledger):
    registry = load("migrated")
    migrate_plugins(database.admin_url, registry)
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("insert into pideai_host.plugin_migrations values ('migrated', '003_newer', 'x')")

    assert list((await without_unmigrated(registry, pool)).definitions) == ["migrated"]


@pytest.mark.parametrize("only", [(), ("migrated", "ok-one")], ids=["all plugins", "named ones"])
async def test_a_process_starts_without_a_plugin_whose_migrations_are_behind(database, load, only):
    registry = load("migrated", "ok")
    settings = Settings(database_url=database.runtime_url, embedded=False, master_keys=(("k1", b"k" * 32),))
    async with open_engine(settings, registry, with_worker=True, plugins=only) as engine:
        assert list(engine.registry.definitions) == ["ok-one"]
        assert list(refused_here(engine.registry.records)) == ["migrated"]
        assert engine.worker.missing_lanes == {"pideai_ok_one", "pideai_ok_one__bulk"}


@pytest.fixture
def plain_owner(database):
    """The URL of an owner who is no superuser, as on Supabase: user `postgres` there."""
    role = f"owner_{database.name}"
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(
            f"""create role {role} login bypassrls createrole;
            grant create on database {database.name} to {role};
            grant usage on schema pideai_host, public to {role};
            grant all on pideai_host.plugin_migrations, pideai_host.plugin_migration_faults to {role};
            grant references on public.stores to {role}"""
        )
        yield database.admin_url.replace("://postgres@", f"://{role}@")
        connection.execute(f"drop owned by {role} cascade; drop role {role}")


def test_an_owner_who_is_no_superuser_migrates(plain_owner, database, load, rows):
    registry = load("migrated")

    assert summary(migrate_plugins(plain_owner, registry)) == [("migrated", ("001_pickups", "002_states"), None)]
    assert rows("select rolsuper from pg_class join pg_roles r on r.oid = relowner where relname = 'pickups'") == [
        (False,)
    ]
    assert rows("select count(*) from pideai_migrated.pickups", database.runtime_url) == [(0,)]
    assert roll_back_plugin(plain_owner, registry, "migrated", 9) == ["002_states", "001_pickups"]


def test_several_hosts_that_migrate_at_once_take_turns(database, load):
    registry = load("migrated")
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: migrate_plugins(database.admin_url, registry), range(4)))

    assert sorted(len(one.names) for [one] in done) == [0, 0, 0, 2]
