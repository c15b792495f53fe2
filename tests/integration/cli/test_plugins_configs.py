"""`pideai-host plugins configs`: whose deliveries wait for another version of a configuration, or of the code."""

import json
import os
import subprocess
import sys
from uuid import uuid4

import pytest

from pideai_host.db.dev import create_demo_store
from pideai_host.events.depths import LaneDepths
from pideai_host.telemetry import CONFIGS_WAITING

FAULT = "the configuration has faults: /zone is required"


@pytest.fixture
async def stores(admin_conn):
    """Three stores with a plugin: at its version, before it, with a reason, and after it."""
    await admin_conn.execute(
        "insert into public.plugins (slug, name, type, config_version) values ('courier', 'Courier', 'delivery', 2)"
    )
    made = []
    for version, fault in ((2, None), (1, FAULT), (3, None)):
        store_id = await create_demo_store(admin_conn, owner_id=uuid4(), subdomain=f"store-{version}", name="One")
        await admin_conn.execute(
            """insert into public.store_plugins (store_id, plugin_id, config_version, config_fault)
            select %s, id, %s, %s from public.plugins""",
            (store_id, version, fault),
        )
        made.append(store_id)
    return made


def call(database, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "pideai_host", "plugins", "configs", *arguments],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database.runtime_url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_operator_sees_which_wait_and_why(database, stores):
    done = call(database)

    _, older, newer = stores
    assert done.returncode == 1
    assert set(done.stdout.splitlines()) == {
        f"courier, store {older}: outdated, of version 1 where 2 is wanted: {FAULT}",
        f"courier, store {newer}: newer, of version 3 where 2 is wanted",
    }


def test_machines_read_json(database, stores):
    told = json.loads(call(database, "--json").stdout)

    assert {(one["store_id"], one["config_version"]) for one in told} == {(str(stores[1]), 1), (str(stores[2]), 3)}


def test_where_all_is_well_the_exit_code_says_so(database):
    done = call(database)

    assert (done.returncode, done.stdout) == (0, "All configurations are of their plugin's version.\n")


@pytest.mark.usefixtures("stores")
async def test_they_are_counted_for_the_metrics(pool):
    await LaneDepths(pool).look()

    told = {tuple(one.labels.values()): one.value for one in CONFIGS_WAITING.collect()[0].samples}
    assert told == {("courier", "outdated"): 1, ("courier", "newer"): 1}
