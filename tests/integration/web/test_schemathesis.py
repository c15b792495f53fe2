"""The running host against its own description: schemathesis finds no answer that the document does not know.

All phases: the document's examples, the edges of every schema, chance, and operations one after the other. No 5xx, no
answer of a status, type or shape that is not documented, nothing taken that the document refuses, nobody let in
without a key. The seed is fixed; `PIDEAI_TEST_LONG=1` tries chance ten times as often.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from tests.auth_server import keys_served

from pideai_host.db.dev import create_demo_store
from pideai_host.events.delivery_log import Mark
from pideai_host.plugins.registry import load_registry
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.cursor import cursor_of

ISSUER = "https://project.test/auth/v1"
PLUGINS = ("webhook-bridge", "whatsapp")
WEBHOOK_SECRET = "0123456789abcdef"
START_S = 40.0
STATUSES = ("delivered", "failed", "pending", "expired")

CONFIGURATION = """
seed = 20261128
workers = 1
continue-on-failure = true
request-timeout = 10.0
generation = {{ max-examples = {examples}, database = "none", no-shrink = true, allow-x00 = false }}
cache = {{ enabled = false }}
output = {{ truncation = {{ enabled = false }} }}

[auth.openapi]
owner = {{ bearer = "{owner}" }}
admin = {{ bearer = "{admin}" }}
webhookSecret = {{ api_key = "{webhook_secret}" }}

# what no JSON Schema can say: cursors are the host's own, instants have a zone, a plugin judges its configuration
[checks.positive_data_acceptance]
enabled = false

# in a query all is text: what schemathesis thinks to be no list of texts is one, and "null" is null
[[operations]]
include-method = ["GET"]
checks = {{ negative_data_rejection = {{ enabled = false }} }}

# what is no change although it is authentic is kept aside and answered like one (docs/adr/0010)
[[operations]]
include-operation-id = ["receiveDatabaseChange"]
checks = {{ negative_data_rejection = {{ enabled = false }} }}

# answers without end, each of which would be waited for until its time is over
[[operations]]
include-path-regex = "/stream$"
enabled = false

# a store keeps its credits when it uninstalls the plugin
[[operations]]
include-operation-id = ["getStorePluginCredits", "listStorePluginLedger"]
checks = {{ use_after_free = {{ enabled = false }} }}

# mostly ids that are there: of what chance makes, nearly all would be a 404
[dictionaries]
stores = {{ values = ["{store_id}"] }}
slugs = {{ values = {slugs} }}
deliveries = {{ values = {deliveries} }}
events = {{ values = {events} }}
cursors = {{ values = ["{cursor}"] }}

[parameters]
store_id = {{ dictionary = "stores", probability = 0.9 }}
slug = {{ dictionary = "slugs", probability = 0.9 }}
delivery_id = {{ dictionary = "deliveries", probability = 0.8 }}
event_id = {{ dictionary = "events", probability = 0.8 }}
cursor = {{ dictionary = "cursors", probability = 0.9 }}
"""


class Furnished(NamedTuple):
    """What is in the database: a store with a plugin, and a delivery in each of `STATUSES`."""

    owner_id: UUID
    admin_id: UUID
    store_id: UUID
    deliveries: list[UUID]
    events: list[UUID]


@pytest.fixture
async def furnished(admin_conn: psycopg.AsyncConnection) -> Furnished:
    there = Furnished(uuid4(), uuid4(), uuid4(), [uuid4() for _ in STATUSES], [uuid4() for _ in STATUSES])
    await sync_catalogue(admin_conn, load_registry(frozenset(PLUGINS)).definitions.values())
    store_id = await create_demo_store(admin_conn, owner_id=there.owner_id, subdomain="la-esquina", name="La Esquina")
    await admin_conn.execute("insert into auth.users (id) values (%s)", (there.admin_id,))
    await admin_conn.execute("insert into public.platform_admins (user_id) values (%s)", (there.admin_id,))
    await admin_conn.execute(
        "insert into public.store_plugins (store_id, plugin_id) select %s, id from public.plugins where slug = %s",
        (store_id, "whatsapp"),
    )
    for delivery_id, event_id, status in zip(there.deliveries, there.events, STATUSES, strict=True):
        await admin_conn.execute(
            """with event as (
              insert into public.plugin_events
                (id, store_id, type, payload, occurred_at, source, entity_id, completed_at)
              values (%(event)s, %(store)s, 'order.created', '{}', now(), 'webhook', %(event)s, now())
              returning *
            )
            insert into public.plugin_events_log
              (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, status)
            select %(delivery)s, sp.store_id, sp.plugin_id, event.type, sp.id, event.id, event.created_at,
              'pideai_whatsapp', %(status)s
            from public.store_plugins sp join event on event.store_id = sp.store_id""",
            {"event": event_id, "store": store_id, "delivery": delivery_id, "status": status},
        )
    return there._replace(store_id=store_id)


@asynccontextmanager
async def host_running(environ: dict[str, str], address: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pideai_host", "serve", "--no-worker"),
        env=environ,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(START_S), httpx.AsyncClient(trust_env=False) as client:
            while not await is_ready(client, address):
                assert process.returncode is None, "the host ended"
                await asyncio.sleep(0.05)
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def is_ready(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(f"{address}/health/ready")).is_success
    except httpx.TransportError:
        return False


async def schemathesis(folder: Path, configuration: str, address: str) -> tuple[int | None, str]:
    (folder / "schemathesis.toml").write_text(configuration)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--no-color", "run", f"{address}/docs/openapi.json"),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


@pytest.mark.timeout(600)
async def test_the_host_answers_as_its_document_says(environ, furnished, port, tmp_path):
    signer, address = TokenSigner(ISSUER), f"http://127.0.0.1:{port}"
    configuration = CONFIGURATION.format(
        examples=150 if os.environ.get("PIDEAI_TEST_LONG") else 15,
        owner=signer.token(furnished.owner_id),
        admin=signer.token(furnished.admin_id),
        webhook_secret=WEBHOOK_SECRET,
        store_id=furnished.store_id,
        slugs=json.dumps(PLUGINS),
        deliveries=json.dumps(furnished.deliveries, default=str),
        events=json.dumps(furnished.events, default=str),
        cursor=cursor_of(Mark(datetime(2100, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))),
    )
    async with keys_served(signer) as keys:
        more = {
            "PIDEAI_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "PIDEAI_PORT": str(port),
            "PIDEAI_PLUGINS": ",".join(PLUGINS),
            "PIDEAI_USER_REQUESTS_PER_MIN": "0",
            "PIDEAI_STORE_REQUESTS_PER_MIN": "0",
            "SUPABASE_JWKS_URL": keys,
            "SUPABASE_JWT_ISSUER": ISSUER,
        }
        async with host_running({**environ, **more}, address):
            code, said = await schemathesis(tmp_path, configuration, address)

    assert code == 0, said
    assert "Stateful" in said
