"""`pideai-host supabase capture`, as an operator calls it."""

import os
import subprocess
import sys

import psycopg
import pytest


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pideai_host", "supabase", "capture", *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_capture_is_enabled_looked_at_and_disabled(database) -> None:
    said = [
        call(*words, ADMIN_DATABASE_URL=database.admin_url).stdout
        for words in (["status"], ["enable", "orders"], ["status"], ["disable", "orders"])
    ]

    assert said == [f"orders: {word}, 0 waiting\n" for word in ("disabled", "enabled", "enabled", "disabled")]


def test_triggers_stand_on_the_table_afterwards(database) -> None:
    call("enable", "orders", ADMIN_DATABASE_URL=database.admin_url)
    with psycopg.connect(database.admin_url) as connection:
        found = connection.execute(
            "select tgname from pg_trigger where tgname like 'pideai_host_%' order by 1"
        ).fetchall()

    assert found == [("pideai_host_capture_insert",), ("pideai_host_capture_update",)]


def test_who_switched_it_is_in_the_audit_trail(database) -> None:
    for word in ("enable", "disable", "disable", "status"):
        call(*([word] if word == "status" else [word, "orders"]), ADMIN_DATABASE_URL=database.admin_url)

    with psycopg.connect(database.admin_url) as connection:
        lines = connection.execute(
            "select actor, action, subject from pideai_host.audit where action like 'capture.%' order by id"
        ).fetchall()
    assert lines == [("operator", "capture.enabled", "orders"), ("operator", "capture.disabled", "orders")]


@pytest.mark.parametrize("words", [["enable"], ["enable", "stores"]], ids=["no table", "not one that is captured"])
def test_only_known_tables_are_taken(words: list[str]) -> None:
    assert call(*words).returncode == 2


def test_owner_is_asked_for_when_rights_are_missing(database) -> None:
    done = call("enable", "orders", ADMIN_DATABASE_URL=database.runtime_url)

    assert (done.returncode, done.stdout) == (1, "")
    assert "hint: Set ADMIN_DATABASE_URL" in done.stderr


def test_unreachable_database_is_a_line_and_a_hint() -> None:
    done = call("status", ADMIN_DATABASE_URL="postgresql://me:hidden@127.0.0.1:1/d")

    assert done.stderr.splitlines()[0] == "error: the database at 127.0.0.1:1, database d does not answer"


def test_missing_migration_is_told(bare_database) -> None:
    done = call("status", ADMIN_DATABASE_URL=bare_database.admin_url)

    assert "hint: Run `pideai-host migrate` first." in done.stderr
