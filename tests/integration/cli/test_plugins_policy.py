"""`pideai-host plugins policy`, as an operator calls it."""

import asyncio
import json
import os
import sys
from uuid import uuid4

import pytest

from pideai_host.db.dev import create_demo_store
from pideai_host.plugins.registry import load_registry
from pideai_host.stores.catalogue import sync_catalogue

SLUG = "webhook-bridge"


@pytest.fixture
async def store_id(admin_conn):
    store_id = await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="la-esquina", name="La Esquina")
    await sync_catalogue(admin_conn, [load_registry([SLUG]).definitions[SLUG]])
    await admin_conn.execute(
        "insert into public.store_plugins (store_id, plugin_id) select %s, id from public.plugins", [store_id]
    )
    return store_id


@pytest.fixture
def call(database):
    async def _call(*arguments):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pideai_host", "plugins", "policy", *map(str, arguments),
            env={"PATH": os.environ["PATH"], "DATABASE_URL": database.runtime_url, "PIDEAI_LOG_LEVEL": "info"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complained = await process.communicate()
        return process.returncode, said.decode(), complained.decode()

    return _call


async def test_a_policy_is_set_shown_and_cleared(call, store_id, admin_conn):
    _, before, _ = await call(store_id, SLUG)
    code, after, complained = await call(store_id, SLUG, "--set", '{"max_age_s": 60, "retry": {"delays_s": [5]}}')
    revisions = await (await admin_conn.execute("select revision from public.store_plugins")).fetchall()
    _, cleared, _ = await call(store_id, SLUG, "--clear")

    assert (code, complained) == (0, "")
    assert json.loads(after)["policy"] == {"max_age_s": 60.0, "retry": {"delays_s": [5.0]}}
    assert (json.loads(after)["holds"]["max_age_s"], json.loads(after)["holds"]["retry"]["delays_s"]) == (60.0, [5.0])
    assert (json.loads(before), json.loads(cleared)["policy"], revisions) == (json.loads(cleared), None, [(2,)])


async def test_all_faults_are_told_and_nothing_is_kept(call, store_id, admin_conn):
    code, _, complained = await call(store_id, SLUG, "--set", '{"max_age_s": 0, "speed": 1}')
    kept = await (await admin_conn.execute("select policy, revision from public.store_plugins")).fetchall()

    assert (code, kept) == (1, [(None, 1)])
    assert "/max_age_s" in complained
    assert "/speed" in complained


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--set", "[]"], 1, "no JSON object"),
        (["--set", "{}", "--clear"], 2, "exclude each other"),
    ],
    ids=["no object", "both"],
)
async def test_what_cannot_be_meant_is_refused(call, store_id, arguments, code, told):
    returned, said, complained = await call(store_id, SLUG, *arguments)

    assert (returned, said) == (code, "")
    assert told in complained


async def test_a_plugin_that_the_store_has_not_is_named(call, store_id):
    assert (await call(uuid4(), SLUG))[0] == 1
    assert "absent" in (await call(store_id, "absent"))[2]
