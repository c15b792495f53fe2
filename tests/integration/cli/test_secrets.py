"""`pideai-host secrets status` and `rotate`, as an operator calls them."""

import base64
import json
import os
import subprocess
import sys
from uuid import uuid4

import psycopg
import pytest

from pideai_host.stores.secrets import Sealer

RING = {"k1": b"k" * 32, "k2": b"n" * 32}


@pytest.fixture
async def store_id(admin_conn):
    from pideai_host.db.dev import create_demo_store

    return await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="first-store", name="First")


@pytest.fixture
def sealed(database, store_id):
    """One secret of a plugin that is loaded nowhere, and its signing secret."""
    sealer = Sealer([("k1", RING["k1"])])
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("insert into public.plugins (slug, name, type) values ('courier', 'Courier', 'delivery')")
        connection.execute(
            """with made as (
              insert into public.store_plugins (store_id, plugin_id, webhook_secret)
              select %s, id, %s from public.plugins returning id)
            insert into pideai_host.installation_secrets (installation_id, field, sealed)
            select id, '/key', %s from made""",
            (
                store_id,
                sealer.seal("whsec_canary", store_id, "courier", "webhook_secret"),
                sealer.seal('"canary"', store_id, "courier", "/key"),
            ),
        )
    return database


def call(database, *arguments: str, ring: str) -> subprocess.CompletedProcess[str]:
    keys = ",".join(f"{kid}:{base64.b64encode(RING[kid]).decode()}" for kid in ring.split())
    return subprocess.run(
        [sys.executable, "-m", "pideai_host", "secrets", *arguments],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database.runtime_url, "PIDEAI_MASTER_KEYS": keys},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_operator_changes_to_a_new_key_and_takes_the_old_one_out(sealed):
    before = call(sealed, "status", ring="k2 k1")
    done = call(sealed, "rotate", "--batch", "1", ring="k2 k1")
    after = call(sealed, "status", ring="k2 k1")
    alone = call(sealed, "status", ring="k2")

    assert (before.returncode, before.stdout) == (0, "k2: 0 (the newest key)\nk1: 2 still to be sealed anew\n")
    assert (done.returncode, done.stdout) == (0, "Sealed anew: 2. Left under older keys: 0.\n")
    assert after.stdout == "k2: 2 (the newest key)\nk1: 0 left: it can be taken out\n"
    assert (alone.returncode, alone.stdout) == (0, "k2: 2 (the newest key)\n")
    assert "canary" not in before.stdout + done.stdout + done.stderr + after.stdout


def test_it_is_in_the_audit_trail(sealed):
    call(sealed, "rotate", ring="k2 k1")
    call(sealed, "rotate", ring="k2 k1")

    with psycopg.connect(sealed.admin_url) as connection:
        [line] = connection.execute("select actor, action, detail from pideai_host.audit").fetchall()
    assert line == ("operator", "secrets.rotated", {"key": "k2", "secrets": 2})


def test_a_key_that_is_missing_is_a_failure_that_names_what_does_not_open(sealed, store_id):
    told = call(sealed, "status", "--json", ring="k2")
    failed = call(sealed, "rotate", ring="k2")

    assert (told.returncode, [one["is_held"] for one in json.loads(told.stdout)]) == (1, [True, False])
    assert (failed.returncode, failed.stdout.splitlines()[0]) == (1, "Sealed anew: 0. Left under older keys: 2.")
    assert failed.stdout.count(str(store_id)) == 2


def test_machines_read_json(sealed):
    done = json.loads(call(sealed, "rotate", "--json", ring="k2 k1").stdout)

    assert done == {"resealed": 2, "waiting": 0, "unreadable": []}


@pytest.mark.parametrize("words", [["secrets", "status"], ["plugins", "configs"], ["supabase", "capture", "status"]])
def test_a_folder_without_a_database_is_told_how_to_get_one_and_is_left_as_it_was(open_dir, words):
    done = subprocess.run(
        [sys.executable, "-m", "pideai_host", *words],
        env={"PATH": os.environ["PATH"], "PIDEAI_DATA_DIR": str(open_dir / "data")},
        capture_output=True,
        text=True,
        check=False,
    )

    error, hint = done.stderr.splitlines()
    assert (done.returncode, error.endswith("has no database yet"), "pideai-host serve" in hint) == (1, True, True)
    assert not (open_dir / "data").exists()
