"""`pideai-host plugins quarantined` and `release`, as an operator calls them."""

import json
import os
import subprocess
import sys

import psycopg
import pytest


@pytest.fixture
def quarantined(database):
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(
            """insert into pideai_host.plugin_quarantines (plugin, reason, since, until, cool_down_s)
            values ('exits', 'ended 3 workers within 30 minutes', '2026-11-28 10:00Z', '2026-11-28 10:15Z', 900)"""
        )
    return database


def call(database, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pideai_host", "plugins", *arguments],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database.runtime_url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_operator_sees_which_why_and_until_when(quarantined) -> None:
    assert call(quarantined, "quarantined").stdout == (
        "exits: ended 3 workers within 30 minutes, since 2026-11-28 10:00 UTC; tried after 10:15 UTC\n"
    )


def test_machines_read_json(quarantined) -> None:
    [one] = json.loads(call(quarantined, "quarantined", "--json").stdout)

    assert (one["plugin"], one["until"], one["crashes"]) == ("exits", "2026-11-28T10:15:00Z", 0)


def test_release_lifts_it(quarantined) -> None:
    done = call(quarantined, "release", "exits")

    assert (done.returncode, done.stdout) == (0, "Released exits: what waits for it is delivered now.\n")
    assert call(quarantined, "quarantined").stdout == "No plugin is quarantined.\n"


def test_what_is_not_quarantined_cannot_be_released(database) -> None:
    done = call(database, "release", "exits")

    assert (done.returncode, done.stdout) == (1, "exits is not quarantined.\n")
