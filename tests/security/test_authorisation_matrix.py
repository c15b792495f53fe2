"""Who gets what answer: every operation as every kind of caller, on the real application and a real database.

The operations come from the OpenAPI document. A new one needs a line in `ROWS`; without it the first test fails and
says which line.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import pytest_asyncio
from litestar import Litestar, get, post
from pideai_webhook_bridge.plugin import plugin as webhook_bridge
from pideai_whatsapp.plugin import plugin as whatsapp
from tests.auth_server import keys_served
from tests.security.callers import ADMIN, CALLERS, ISSUER, NOWHERE, OTHER_OWNER, OWNER, REFUSED, Answer

from pideai_host.api import PluginDefinition, PluginType, hookimpl
from pideai_host.db.dev import create_demo_store
from pideai_host.plugins.registry import Registry
from pideai_host.settings import Settings
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.app import build_app
from pideai_host.web.front import Front
from pideai_host.web.state import STATE_KEY

on_one_loop = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Row:
    """What an operation answers.

    Attributes:
        owner: To the store's owner.
        other: To the owner of another store; by default the same.
        admin: To a platform admin who owns nothing; by default the same.
        body: What is sent along.
        path: Values for the parameters of its path, where `PATH` has not the right ones.
        needs_token: Whether a bearer token is what lets in.
    """

    owner: Answer
    other: Answer | None = None
    admin: Answer | None = None
    body: Any = None
    path: Mapping[str, str] | None = None
    needs_token: bool = True


def reads(owner: Answer = 200, **more: Any) -> Row:
    """GET something of a store: its owner's, and a platform admin's to see."""
    return Row(owner, other=(404, "store_unknown"), **more)


def changes(owner: Answer, **more: Any) -> Row:
    """Change something of a store (or POST at all): its owner's alone."""
    return Row(owner, other=(404, "store_unknown"), admin=(403, "owner_needed"), **more)


def signed_in(anybody: Answer = 200, **more: Any) -> Row:
    """Belongs to no store: every signed-in user's."""
    return Row(anybody, **more)


def operators(admin: Answer = 200, **more: Any) -> Row:
    """Behind `require_admin`: a platform admin's."""
    return Row((403, "admin_needed"), admin=admin, **more)


def without_token(anybody: Answer, **more: Any) -> Row:
    """Looks at no token: health, and doors with a key of their own, which nobody here has."""
    return Row(anybody, needs_token=False, **more)


NOT_INSTALLED = (404, "not_installed")
RANGE = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}

ROWS: Mapping[str, Row] = {
    "listPlugins": signed_in(),
    "getPlugin": signed_in(),
    "listStorePlugins": reads(),
    "installStorePlugin": changes((404, "plugin_unknown"), body={"slug": "no-such-plugin"}),
    "listStorePluginStates": reads(),
    "getStorePlugin": reads(NOT_INSTALLED),
    "updateStorePlugin": changes(NOT_INSTALLED, body={"enabled": False}),
    "uninstallStorePlugin": changes(NOT_INSTALLED),
    "getStorePluginBreaker": reads(NOT_INSTALLED),
    "resetStorePluginBreaker": changes(NOT_INSTALLED),
    "listStoreCredits": reads(),
    "getStorePluginCredits": reads(),
    "listStorePluginLedger": reads(),
    "listDeliveries": reads(),
    "getDelivery": reads((404, "delivery_unknown")),
    "replayDelivery": changes((404, "delivery_unknown")),
    "listEvents": reads(),
    "replayEvent": changes((404, "event_unknown")),
    "previewReplay": changes(200, body=RANGE),
    "listReplays": reads(),
    "beginReplay": changes((404, "plugin_unknown"), body={**RANGE, "plugin": "deliveries"}),
    "getReplay": reads((404, "replay_unknown")),
    "cancelReplay": changes((404, "replay_unknown")),
    "listEventTypes": signed_in(),
    "getEventType": signed_in((404, "event_type_unknown")),
    "testStorePlugin": changes(NOT_INSTALLED, body={"event_type": "order.created"}),
    "listStoreAudit": reads(),
    "listAudit": operators(),
    "listPluginLoads": operators(),
    "listWaitingConfigs": operators(),
    "listQuarantinedPlugins": operators(),
    "listLanes": operators(),
    "listProcesses": operators(),
    "listPluginJobs": operators(),
    "listOpenBreakers": operators(),
    "listUntakenEvents": operators(),
    "listKeptBodies": operators(),
    "getKeptBody": operators((404, "body_unknown")),
    "feedKeptBody": operators((404, "body_unknown")),
    "getMetrics": without_token(200),
    "getHealthLive": without_token(200),
    "getHealthReady": without_token(200),
    "receiveDatabaseChange": without_token((401, "webhook_secret_wrong"), body={}),
    "askPluginWebhook": without_token((404, "not_found"), path={"slug": "webhook-bridge"}),
    "callPluginWebhook": without_token((404, "not_found"), path={"slug": "webhook-bridge"}, body={}),
    "askStorePluginWebhook": without_token((404, "not_found")),
    "callStorePluginWebhook": without_token((404, "not_found"), body={}),
    "listNotices": reads(),
    "streamStore": reads(),
    "whatsapp_connect": changes(NOT_INSTALLED),
    "whatsapp_getStatus": reads(NOT_INSTALLED),
    "whatsapp_streamStatus": reads(NOT_INSTALLED),
    "whatsapp_disconnect": changes(NOT_INSTALLED),
    "whatsapp_sendMessage": changes(NOT_INSTALLED, body={"customer_phone": "04121234567", "text": "Hola"}),
    "whatsapp_listMessages": reads(NOT_INSTALLED),
    "whatsapp_getCredits": reads(NOT_INSTALLED),
    "whatsapp_listTemplates": reads(NOT_INSTALLED),
    "whatsapp_updateTemplate": changes(NOT_INSTALLED, body={"is_active": False}),
    "whatsapp_previewTemplate": changes(NOT_INSTALLED),
    "whatsapp_previewOrder": changes(NOT_INSTALLED),
    "whatsapp_listOptOuts": reads(NOT_INSTALLED),
    "whatsapp_addOptOut": changes(NOT_INSTALLED, body={"phone": "04121234567"}),
    "whatsapp_removeOptOut": changes(NOT_INSTALLED),
    "whatsapp_getSettings": reads(NOT_INSTALLED),
    "whatsapp_updateSettings": changes(NOT_INSTALLED, body={"auto_order_ready": False}),
    "whatsapp_listCampaigns": reads(NOT_INSTALLED),
    "whatsapp_createCampaign": changes(NOT_INSTALLED, body={"name": "Promo", "message": "Hola"}),
    "whatsapp_previewCampaign": changes(NOT_INSTALLED, body={}),
    "whatsapp_getCampaign": reads(NOT_INSTALLED),
    "whatsapp_scheduleCampaign": changes(NOT_INSTALLED),
    "whatsapp_pauseCampaign": changes(NOT_INSTALLED),
    "whatsapp_resumeCampaign": changes(NOT_INSTALLED),
    "whatsapp_cancelCampaign": changes(NOT_INSTALLED),
    "routed_getThing": reads(NOT_INSTALLED),
    "routed_changeThing": changes(NOT_INSTALLED, body={}),
}
PATH = {"slug": "whatsapp", "template_type": "order_ready"}
"""Values of path parameters that are no ids; `store_id` is the owner's store, every other id is nowhere."""


class Routed:
    """A plugin that brings routes of its own."""

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug="routed", name="Routed", version="1", type=PluginType.INTEGRATION, subscribed_events=()
        )

    @hookimpl
    def http_routes(self) -> list[Any]:
        @get("/thing", opt={"exclude_from_auth": True}, cache=60)
        async def get_thing() -> None:
            raise AssertionError("reached")

        @post("/thing")
        async def change_thing() -> None:
            raise AssertionError("reached")

        return [get_thing, change_thing]


REGISTRY = Registry.of({"whatsapp": whatsapp, "webhook-bridge": webhook_bridge, "routed": Routed()})


@dataclass(frozen=True)
class Operation:
    """An operation of the document."""

    name: str
    method: str
    path: str


def documented() -> dict[str, Operation]:
    paths = build_app(Settings.from_env({}), REGISTRY, with_worker=False).openapi_schema.to_schema()["paths"]
    found = [
        Operation(one["operationId"], method, path) for path, item in paths.items() for method, one in item.items()
    ]
    return {one.name: one for one in found}


OPERATIONS = documented()


def missing_rows() -> str:
    """Say what to write, as far as it can be told from the document."""
    lines = []
    for operation in (one for name, one in OPERATIONS.items() if name not in ROWS):
        kind = "signed_in()"
        if "{store_id}" in operation.path:
            kind = "reads()" if operation.method == "get" else "changes(…, body=…)"
        elif not operation.path.startswith("/api/"):
            kind = "without_token(…)"
        lines.append(f'    "{operation.name}": {kind},  # {operation.method.upper()} {operation.path}')
    return "\n".join(lines)


def test_every_operation_has_a_row():
    assert not OPERATIONS.keys() - ROWS.keys(), (
        f"add to ROWS in {__file__} (operators() if it is the operator's):\n{missing_rows()}"
    )


def test_every_row_has_an_operation():
    assert not ROWS.keys() - OPERATIONS.keys(), "these operations are gone or renamed: remove their rows"


def expected(row: Row, caller: str) -> Answer:
    if row.needs_token and caller in REFUSED:
        return REFUSED[caller]
    if caller == "other owner" and row.other is not None:
        return row.other
    if caller == "admin" and row.admin is not None:
        return row.admin
    return row.owner


@dataclass
class Host:
    """The application as the server sees it."""

    client: httpx.AsyncClient
    signer: TokenSigner
    store_id: UUID

    async def ask(self, operation: Operation, row: Row, caller: str) -> httpx.Response:
        token = CALLERS[caller](self.signer)
        path = operation.path
        for name in [part.partition("}")[0] for part in path.split("{")[1:]]:
            known = {"store_id": str(self.store_id), **PATH, **(row.path or {})}
            path = path.replace(f"{{{name}}}", known.get(name, str(NOWHERE)))
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        if row.body is None:
            return await self.client.request(operation.method, path, headers=headers)
        return await self.client.request(operation.method, path, headers=headers, json=row.body)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(pg) -> AsyncIterator[Host]:
    database = pg.create("pideai_template")
    signer = TokenSigner(ISSUER)
    try:
        store_id = await _furnish(database.admin_url)
        async with keys_served(signer) as keys:
            settings = Settings(
                database_url=database.runtime_url,
                embedded=False,
                master_keys=(("k1", b"k" * 32),),
                webhook_secrets=("0123456789abcdef",),
                jwks_url=keys,
                jwt_issuer=ISSUER,
                user_requests_per_min=0,  # one user is most of the callers
                store_requests_per_min=0,
            )
            app = build_app(settings, REGISTRY, with_worker=False)
            transport = httpx.ASGITransport(Front(app))
            async with running(app), httpx.AsyncClient(transport=transport, base_url="http://host.test") as client:
                app.state[STATE_KEY].live.end_all()  # a stream that ends as soon as it began can be read to its end
                yield Host(client, signer, store_id)
    finally:
        pg.drop(database)


@asynccontextmanager
async def running(app: Litestar) -> AsyncIterator[None]:
    """Keep the application up in a task of its own: pytest begins and ends a fixture in two different ones."""
    started, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await over.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(live())
        await started.wait()
        try:
            yield
        finally:
            over.set()


async def _furnish(url: str) -> UUID:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await sync_catalogue(connection, REGISTRY.definitions.values())
        store_id = await create_demo_store(connection, owner_id=OWNER, subdomain="la-esquina", name="La Esquina")
        await create_demo_store(connection, owner_id=OTHER_OWNER, subdomain="otra", name="Otra")
        await connection.execute("insert into auth.users (id) values (%s)", (ADMIN,))
        await connection.execute("insert into public.platform_admins (user_id) values (%s)", (ADMIN,))
    return store_id


@on_one_loop
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name in ROWS])
async def test_each_caller_gets_what_is_written(host, name, caller):
    wanted = expected(ROWS[name], caller)
    answer = await host.ask(OPERATIONS[name], ROWS[name], caller)

    got = answer.status_code if isinstance(wanted, int) else (answer.status_code, answer.json().get("code"))
    assert got == wanted, answer.text


@on_one_loop
@pytest.mark.parametrize("caller", ["no token", "garbage", "other owner", "admin"])
async def test_who_is_refused_changes_nothing(host, caller):
    install = Row(201, body={"slug": "webhook-bridge", "webhook_url": "https://receiver.test/hook"})

    answer = await host.ask(OPERATIONS["installStorePlugin"], install, caller)
    listed = await host.ask(OPERATIONS["listStorePlugins"], reads(), "owner")

    assert (answer.status_code >= 400, listed.json()) == (True, {"items": []})
