"""Migrations are applied whole or not at all, once, in order, whoever starts first, and can be taken back."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from pideai_host.api.errors import ConfigurationError, DatabaseUnavailable
from pideai_host.db.migrate import MIGRATIONS, migrate, roll_back, status
from pideai_host.db.sql import load
from pideai_host.plugins.migrating import plugin_states, roll_back_plugin
from pideai_host.plugins.registry import load_registry

ALL = sorted(path.stem for path in MIGRATIONS.glob("*.sql"))
SHAPE = """
select jsonb_build_object(
  'columns', (select jsonb_agg(to_jsonb(c) order by c.table_schema, c.table_name, c.ordinal_position)
              from information_schema.columns c where table_schema in ('public', 'pideai_host')),
  'indexes', (select jsonb_agg(indexdef order by indexdef) from pg_indexes
              where schemaname in ('public', 'pideai_host')),
  'constraints', (select jsonb_agg(conrelid::regclass || ' ' || pg_get_constraintdef(oid) order by conname, conrelid)
                  from pg_constraint where connamespace in ('public'::regnamespace, 'pideai_host'::regnamespace)),
  'functions', (select jsonb_agg(pg_get_functiondef(oid) order by oid::regprocedure::text)
                from pg_proc where pronamespace = 'pideai_host'::regnamespace and prokind = 'f'),
  'triggers', (select jsonb_agg(pg_get_triggerdef(oid) order by tgname, tgrelid) from pg_trigger
               where not tgisinternal),
  'policies', (select jsonb_agg(to_jsonb(p) order by p.schemaname, p.tablename, p.policyname) from pg_policies p),
  'grants', (select jsonb_agg(oid::regclass || ' ' || relacl::text order by oid::regclass::text)
             from pg_class where relnamespace = 'pideai_host'::regnamespace and relacl is not null))
"""
"""All that migrations make, in one value."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations: a table; a function whose body holds semicolons, which must not be cut."""
    write(tmp_path, "20260101000000_table", "create table public.t (n int);", "drop table public.t;")
    write(
        tmp_path,
        "20260101000001_function",
        """
        -- 100% of this body, with its ; and its %s, goes as one piece
        create function public.f() returns int language plpgsql as $body$
        declare x int := 1;
        begin
          if x > 0 then x := x + 1; end if;
          return x;
        end; $body$;
        insert into t values (f());
        select 'a row that nobody reads';
        """,
        "drop function public.f(); delete from public.t;",
    )
    return tmp_path


def write(folder: Path, name: str, up: str, down: str) -> None:
    (folder / f"{name}.sql").write_text(up)
    (folder / "rollback").mkdir(exist_ok=True)
    (folder / "rollback" / f"{name}.sql").write_text(down)


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(question).fetchone()[0]


def tell(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def with_pgmq(url: str) -> str:
    tell(url, load("pgmq", "sql/pgmq.sql"))
    return url


def applied(url: str, folder: Path) -> list[bool]:
    return [state.applied_at is not None for state in status(url, folder=folder)]


def test_files_are_applied_in_the_order_of_names(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)

    assert migrate(url, folder=folder) == ["20260101000000_table", "20260101000001_function"]
    assert ask(url, "select n from t") == 2


def test_second_time_nothing_is_left_to_do(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    migrate(url, folder=folder)

    assert migrate(url, folder=folder) == []
    assert ask(url, "select count(*) from t") == 1


def test_file_that_was_added_later_is_applied(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    migrate(url, folder=folder)
    write(folder, "20260101000002_more", "create table public.more ()", "drop table public.more")

    assert migrate(url, folder=folder) == ["20260101000002_more"]


def test_files_see_the_usual_search_path(bare_database, tmp_path: Path) -> None:
    """They are written to lie in a supabase/migrations folder too."""
    url = with_pgmq(bare_database.admin_url)
    write(tmp_path, "20260101000000_seen", "create table public.seen as select current_setting('search_path') s", "")
    migrate(url, folder=tmp_path)

    assert ask(url, "select s from seen") == '"$user", public'


def test_failing_file_leaves_nothing_of_itself(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    write(folder, "20260101000002_bad", "create table public.half (); select 1/0;", "")

    with pytest.raises(DatabaseUnavailable, match="20260101000002_bad: division by zero"):
        migrate(url, folder=folder)

    assert ask(url, "select to_regclass('public.half')") is None
    assert applied(url, folder) == [True, True, False]


def test_files_after_a_mended_one_go_on(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    write(folder, "20260101000002_bad", "select 1/0", "")
    with pytest.raises(DatabaseUnavailable):
        migrate(url, folder=folder)
    write(folder, "20260101000002_bad", "select 1", "")

    assert migrate(url, folder=folder) == ["20260101000002_bad"]


def test_hint_of_a_file_reaches_the_operator(bare_database, tmp_path: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    write(tmp_path, "20260101000000_stops", "do $$ begin raise 'not here' using hint = 'Go there.'; end $$", "")

    with pytest.raises(DatabaseUnavailable, match="not here") as caught:
        migrate(url, folder=tmp_path)

    assert caught.value.hint == "Go there."


def test_hosts_that_start_at_once_take_turns(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: migrate(url, folder=folder), range(4)))

    assert sorted(map(len, done)) == [0, 0, 0, 2]


def test_processes_that_start_at_once_take_turns(bare_database) -> None:
    """With the real migrations, pgmq and the development base's absence left aside: each ends well."""
    url = bare_database.admin_url
    code = "import sys; from pideai_host.cli.app import main; main(sys.argv[1:])"
    environment = {"DATABASE_URL": url, "PATH": ""}
    run = [sys.executable, "-c", code]
    subprocess.run([*run, "db", "base"], env=environment, check=True, capture_output=True)
    both = [subprocess.Popen([*run, "migrate", "--pgmq"], env=environment, stdout=subprocess.DEVNULL) for _ in range(2)]

    assert [process.wait(60) for process in both] == [0, 0]
    assert applied(url, MIGRATIONS) == [True] * len(ALL)


def test_killed_host_leaves_no_lock(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    with psycopg.connect(url, autocommit=True) as held:
        held.execute("select pg_advisory_lock(1885955429)")
        tell(url, f"select pg_terminate_backend({held.info.backend_pid})")

        assert len(migrate(url, folder=folder)) == 2


def test_status_changes_nothing(bare_database, folder: Path) -> None:
    assert applied(bare_database.admin_url, folder) == [False, False]
    assert ask(bare_database.admin_url, "select to_regnamespace('pideai_host')") is None


def test_newest_migration_is_taken_back(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    migrate(url, folder=folder)

    assert roll_back(url, 1, folder=folder) == ["20260101000001_function"]
    assert applied(url, folder) == [True, False]


def test_taking_all_back_leaves_nothing(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    migrate(url, folder=folder)

    assert roll_back(url, 99, folder=folder) == ["20260101000001_function", "20260101000000_table"]
    assert ask(url, "select to_regnamespace('pideai_host')") is None


def test_what_lies_beside_the_ledger_stays(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    migrate(url, folder=folder)
    tell(url, "create table pideai_host.mine ()")
    roll_back(url, 99, folder=folder)

    assert ask(url, "select to_regclass('pideai_host.mine') is not null") is True


def test_rolling_back_an_untouched_database_does_nothing(bare_database, folder: Path) -> None:
    assert roll_back(bare_database.admin_url, 1, folder=folder) == []
    assert ask(bare_database.admin_url, "select to_regnamespace('pideai_host')") is None


def test_failing_rollback_leaves_the_migration(bare_database, tmp_path: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    write(tmp_path, "20260101000000_stays", "create table public.t ()", "drop table public.t; select 1/0")
    migrate(url, folder=tmp_path)

    with pytest.raises(DatabaseUnavailable, match="rolling back 20260101000000_stays"):
        roll_back(url, 1, folder=tmp_path)

    assert applied(url, tmp_path) == [True]
    assert ask(url, "select to_regclass('public.t') is not null") is True


def test_pgmq_is_missed_by_name(bare_database, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="pgmq is not installed") as caught:
        migrate(bare_database.admin_url, folder=folder)

    assert "migrate --pgmq" in caught.value.hint
    assert applied(bare_database.admin_url, folder) == [False, False]


def test_pgmq_is_installed_if_told_to(bare_database, folder: Path) -> None:
    url = bare_database.admin_url
    migrate(url, install_pgmq=True, folder=folder)
    tell(url, "select pgmq.create('lane')")

    assert ask(url, "select pgmq.send('lane', '{}'::jsonb)") == 1


def test_pgmq_that_is_there_is_left_alone(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    tell(url, "select pgmq.create('lane')", "select pgmq.send('lane', '{}'::jsonb)")
    migrate(url, install_pgmq=True, folder=folder)

    assert ask(url, "select count(*) from pgmq.q_lane") == 1


def test_pgmq_without_headers_is_too_old(bare_database, folder: Path) -> None:
    tell(bare_database.admin_url, "create schema pgmq", "create table pgmq.meta ()")

    with pytest.raises(ConfigurationError, match=r"older than 1\.5\.1"):
        migrate(bare_database.admin_url, folder=folder)


def test_user_without_rights_is_sent_to_the_owners_url(database) -> None:
    tell(database.admin_url, "drop schema pideai_host cascade")

    with pytest.raises(ConfigurationError, match="permission denied") as caught:
        migrate(database.runtime_url)

    assert "ADMIN_DATABASE_URL" in caught.value.hint


def test_unreachable_database_is_one_line() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1, database shop does not answer") as caught:
        migrate("postgresql://me:hidden@127.0.0.1:1/shop")

    assert "hidden" not in caught.value.message


def test_database_that_is_not_pideais_is_refused(bare_database) -> None:
    with pytest.raises(DatabaseUnavailable, match="not a PideAI database"):
        migrate(with_pgmq(bare_database.admin_url))


def test_the_ledger_is_closed_to_all_but_its_owner(bare_database, folder: Path) -> None:
    url = with_pgmq(bare_database.admin_url)
    migrate(url, folder=folder)
    tell(url, "alter table pideai_host.migrations disable row level security")  # as it was made before
    migrate(url, folder=folder)

    assert ask(url, "select count(*) from pg_tables where schemaname = 'pideai_host' and not rowsecurity") == 0


def test_no_two_of_our_migrations_have_one_version() -> None:
    """A folder supabase/migrations takes the number in front for the whole name."""
    versions = [name.partition("_")[0] for name in ALL]

    assert sorted(set(versions)) == sorted(versions)


def test_our_migrations_can_be_repeated_by_hand(database) -> None:
    """Up files are idempotent: they may have come by a supabase/migrations folder before."""
    before = ask(database.admin_url, SHAPE)

    tell(database.admin_url, *[(MIGRATIONS / f"{name}.sql").read_text() for name in ALL])

    assert ask(database.admin_url, SHAPE) == before


def test_our_migrations_can_be_taken_back_and_applied_again(database) -> None:
    registry = load_registry(frozenset({"whatsapp", "webhook-bridge"}))
    for slug in plugin_states(database.admin_url, registry):
        roll_back_plugin(database.admin_url, registry, slug, 999)

    assert roll_back(database.admin_url, 99) == ALL[::-1]
    assert migrate(database.admin_url) == ALL


def test_runtime_role_does_not_pass_row_security(database) -> None:
    row = ask(database.runtime_url, "select rolbypassrls or rolsuper from pg_roles where rolname = current_user")

    assert row is False


def test_runtime_role_owns_nothing(database) -> None:
    assert ask(database.runtime_url, "select count(*) from pg_class where relowner = current_user::regrole") == 0
