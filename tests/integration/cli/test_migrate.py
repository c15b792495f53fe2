"""`pideai-host migrate` and `pideai-host db base`, as an operator calls them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from pideai_host.db.embedded import EmbeddedServer
from pideai_host.db.migrate import MIGRATIONS, status

DISTS = Path(__file__).parents[2] / "dists"
FIRST = min(path.stem for path in MIGRATIONS.glob("*.sql"))


def call(*arguments: str, dists: Sequence[str] = (), **environment: str) -> subprocess.CompletedProcess[str]:
    folders = {"PYTHONPATH": os.pathsep.join(str(DISTS / one) for one in dists)} if dists else {}
    return subprocess.run(
        [sys.executable, "-m", "pideai_host", *arguments],
        env={"PATH": os.environ["PATH"], **folders, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_development_base_and_migrations_make_a_database(bare_database) -> None:
    base = call("db", "base", DATABASE_URL=bare_database.admin_url)
    migrated = call("migrate", "--pgmq", DATABASE_URL=bare_database.admin_url)

    assert (base.returncode, migrated.returncode) == (0, 0), base.stderr + migrated.stderr
    assert FIRST in migrated.stdout


def test_second_call_has_nothing_to_do(database) -> None:
    assert call("migrate", DATABASE_URL=database.admin_url).stdout == "Applied: nothing.\n"


def test_status_lists_what_is_applied(database) -> None:
    lines = call("migrate", "--status", DATABASE_URL=database.admin_url).stdout.splitlines()

    assert len([line for line in lines if "/" not in line]) == len(status(database.admin_url))
    assert not any(line.endswith("waiting") for line in lines)


def test_plugins_are_migrated_after_the_host(database) -> None:
    done = call("migrate", dists=["migrated"], DATABASE_URL=database.admin_url)

    assert (done.returncode, done.stdout) == (
        0,
        "Applied: nothing.\nApplied for plugin migrated: 001_pickups, 002_states.\n",
    )


def test_a_plugins_failing_migration_is_told_and_stops_nobody_else(database) -> None:
    done = call("migrate", dists=["migration_fails", "migrated"], DATABASE_URL=database.admin_url)

    assert done.returncode == 1
    assert "error: migration-fails: migration 002_bad: division by zero" in done.stderr.splitlines()
    assert "Applied for plugin migrated: 001_pickups, 002_states." in done.stdout.splitlines()


def test_a_dry_run_lists_what_waits_and_changes_nothing(database) -> None:
    first, second = (
        call("migrate", "--dry-run", dists=["migrated"], DATABASE_URL=database.admin_url).stdout for _ in range(2)
    )

    assert first == second
    assert [line.split() for line in first.splitlines()] == [
        ["migrated/001_pickups", "waiting"],
        ["migrated/002_states", "waiting"],
    ]


def test_the_newest_of_a_plugin_is_taken_back(database) -> None:
    call("migrate", dists=["migrated"], DATABASE_URL=database.admin_url)
    done = call(
        "migrate", "--plugin", "migrated", "--rollback", "1", dists=["migrated"], DATABASE_URL=database.admin_url
    )

    assert done.stdout == "Took back: 002_states.\n"


def test_what_is_applied_and_taken_back_is_in_the_audit_trail(database) -> None:
    plugin = {"dists": ["migrated"], "DATABASE_URL": database.admin_url}
    last = max(path.stem for path in MIGRATIONS.glob("*.sql"))
    call("migrate", **plugin)
    call("migrate", "--plugin", "migrated", "--rollback", "2", **plugin)
    call("migrate", "--rollback", "1", DATABASE_URL=database.admin_url)
    call("migrate", DATABASE_URL=database.admin_url)

    with psycopg.connect(database.admin_url) as connection:
        lines = connection.execute(
            "select actor, action, plugin, subject from pideai_host.audit where action like 'database.%' order by id"
        ).fetchall()
    assert lines == [
        ("operator", "database.migrated", "migrated", "001_pickups"),
        ("operator", "database.migrated", "migrated", "002_states"),
        ("operator", "database.rolled_back", "migrated", "002_states"),
        ("operator", "database.rolled_back", "migrated", "001_pickups"),
        ("operator", "database.rolled_back", None, last),
        ("operator", "database.migrated", None, last),
    ]


def test_the_ledger_of_plugins_is_not_taken_back_before_their_schemas(database) -> None:
    call("migrate", dists=["migrated"], DATABASE_URL=database.admin_url)
    done = call("migrate", "--rollback", "99", DATABASE_URL=database.admin_url)

    assert done.returncode == 1
    assert "the schemas of plugins are still there: migrated" in done.stderr
    assert "migrate --plugin SLUG --rollback COUNT" in done.stderr


def test_newest_is_taken_back(database) -> None:
    newest = status(database.admin_url)[-1].name

    assert call("migrate", "--rollback", "1", DATABASE_URL=database.admin_url).stdout == f"Took back: {newest}.\n"


def test_owner_is_asked_for_when_rights_are_missing(bare_database) -> None:
    done = call("migrate", DATABASE_URL=bare_database.runtime_url)

    assert (done.returncode, done.stdout) == (1, "")
    assert "ADMIN_DATABASE_URL" in done.stderr


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:hidden@127.0.0.1:1/d", "error: the database at 127.0.0.1:1, database d does not answer"),
        ("postgresql://me:hidden@127.0.0.1:6543/d", "error: ADMIN_DATABASE_URL leads to a transaction pooler"),
        ("mysql://me:hidden@127.0.0.1/d", "error: ADMIN_DATABASE_URL is not a PostgreSQL URL"),
    ],
    ids=["unreachable", "transaction pooler", "not PostgreSQL"],
)
def test_wrong_url_is_a_line_and_a_hint(url: str, expected: str) -> None:
    done = call("migrate", ADMIN_DATABASE_URL=url)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == expected
    assert done.stderr.splitlines()[1].startswith("hint: ")


def test_without_a_url_the_embedded_server_is_used(open_dir: Path) -> None:
    data_dir = open_dir / "data"
    base = call("db", "base", PIDEAI_DATA_DIR=str(data_dir))
    migrated = call("migrate", PIDEAI_DATA_DIR=str(data_dir))

    assert (base.returncode, migrated.returncode) == (0, 0), base.stderr + migrated.stderr
    with EmbeddedServer(data_dir) as server:
        assert all(state.applied_at for state in status(server.urls.admin))
        psycopg.connect(server.urls.runtime).close()


def test_data_folder_that_cannot_be_used_is_a_line_and_a_hint(open_dir: Path) -> None:
    (open_dir / "file").touch()
    done = call("migrate", PIDEAI_DATA_DIR=str(open_dir / "file" / "data"))

    assert done.returncode == 1
    assert done.stderr.startswith(
        f"error: cannot use the data folder {open_dir / 'file' / 'data'}: Not a directory\nhint: "
    )
