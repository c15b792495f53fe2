"""A running host over HTTP, with the plugins that a test loads, on a real database.

hosted    starts one: `host = await hosted({"courier": Courier()})`; the demo store has all of them installed
connect   opens a stream of the test's own `host`: `async with connect(path="/stream") as client`
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
import pytest
from litestar import Litestar
from litestar.datastructures import State

from pideai_host.db.dev import create_demo_store
from pideai_host.events.breaker_rows import BreakerRows
from pideai_host.events.changed import ChangedStores
from pideai_host.events.delivery_log import DeliveryLog
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.intake import Intake
from pideai_host.events.live import open_live
from pideai_host.events.outbox import Outbox
from pideai_host.events.provider_webhooks import ProviderWebhooks
from pideai_host.events.replay import Replays
from pideai_host.events.replay_range import ReplayRanges
from pideai_host.events.try_out import TryOut
from pideai_host.outgoing.client import make_client
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.event_types import with_event_types
from pideai_host.plugins.registry import Registry
from pideai_host.stores.answers import KeptAnswers
from pideai_host.stores.audit import AuditTrail
from pideai_host.stores.calls import StoreCalls
from pideai_host.stores.catalogue import Catalogue, sync_catalogue
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.credit_accounts import CreditAccounts
from pideai_host.stores.installations import Installations
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.notices import Notices
from pideai_host.stores.secrets import Sealer
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.access import StoreAccess
from pideai_host.web.auth import Verifier
from pideai_host.web.cors import let_pages_in
from pideai_host.web.headers import add_security
from pideai_host.web.jwks import JwksCache
from pideai_host.web.openapi import openapi_config
from pideai_host.web.plugin_routes import mount
from pideai_host.web.problems import to_response
from pideai_host.web.readiness import Readiness
from pideai_host.web.request_limits import add_limits
from pideai_host.web.requests import add_request_id
from pideai_host.web.routes import routes
from pideai_host.web.state import STATE_KEY, HostState

ISSUER = "https://project.test/auth/v1"
PANEL = "https://panel.example.com"
KEYS = [("k1", bytes(32))]
PATIENCE_S = 20.0


@dataclass
class Hosted:
    """A host, the owner of a store, and what a test wants to look at."""

    app: Litestar
    client: httpx.AsyncClient
    signer: TokenSigner
    owner_id: UUID
    store_id: UUID
    registry: Registry
    admin: psycopg.AsyncConnection
    quarantined: dict[str, str]

    async def ask(
        self, method: str, path: str, *, user_id: UUID | None = None, store_id: UUID | None = None, **more: Any
    ) -> httpx.Response:
        """Ask below the store, as its owner unless another is named."""
        headers = {"authorization": f"Bearer {self.signer.token(user_id or self.owner_id)}"} | more.pop("headers", {})
        address = f"/api/stores/{store_id or self.store_id}{path}"
        return await self.client.request(method, address, headers=headers, **more)

    async def new_store(self, owner_id: UUID | None = None) -> UUID:
        return await create_demo_store(
            self.admin, owner_id=owner_id or uuid4(), subdomain=f"s{uuid4().hex[:12]}", name="Otra"
        )

    async def install(
        self, slug: str, *, store_id: UUID | None = None, config: dict[str, Any] | None = None, enabled: bool = True
    ) -> UUID:
        cursor = await self.admin.execute(
            """insert into public.store_plugins (store_id, plugin_id, config, enabled)
            select %s, id, %s, %s from public.plugins where slug = %s returning id""",
            (store_id or self.store_id, json.dumps(config or {}), enabled, slug),
        )
        return (await cursor.fetchone())[0]

    async def seal(self, installation_id: UUID, slug: str, pointer: str, value: str) -> None:
        sealed = Sealer(KEYS).seal(json.dumps(value), self.store_id, slug, pointer)
        await self.admin.execute(
            "insert into pideai_host.installation_secrets (installation_id, field, sealed) values (%s, %s, %s)",
            (installation_id, pointer, sealed),
        )


@pytest.fixture
async def hosted(
    pool: Any, admin_conn: psycopg.AsyncConnection, database: Any, operator: dict[str, str]
) -> AsyncIterator[Callable[..., Awaitable[Hosted]]]:
    async with AsyncExitStack() as stack:

        async def start(plugins: dict[str, object]) -> Hosted:
            signer = TokenSigner(ISSUER)
            owner_id = uuid4()
            store_id = await create_demo_store(admin_conn, owner_id=owner_id, subdomain="la-esquina", name="La Esquina")
            mounted = mount(with_event_types(Registry.of(plugins)))
            await sync_catalogue(admin_conn, mounted.registry.definitions.values())
            runner = HookRunner()
            stack.push_async_callback(runner.aclose)
            sealer = Sealer(KEYS)
            http = make_client(allow=(ip_network("127.0.0.0/8"),))
            stack.push_async_callback(http.aclose)
            contexts = ContextFactory(pool, http, sealer, operator, event_types=mounted.registry.event_types)
            transport = httpx.MockTransport(lambda _: httpx.Response(200, json=signer.jwks()))
            auth = await stack.enter_async_context(httpx.AsyncClient(transport=transport))
            keys = JwksCache(auth, "http://auth.test/jwks.json")
            quarantined: dict[str, str] = {}
            installations = Installations(pool)
            lanes: list[set[str]] = []
            intake = Intake(pool, StoreDirectory(pool, monotonic=time.monotonic), on_lanes=lanes.append)
            await intake.start()
            stack.push_async_callback(intake.stop)
            live = await stack.enter_async_context(open_live(pool, database.runtime_url))
            changed = ChangedStores(pool)
            stack.push_async_callback(changed.stop)
            calls = StoreCalls(mounted.registry, runner, contexts, installations, quarantined=quarantined)
            outbox = Outbox(pool, intake)
            host = HostState(
                door=None,
                webhook_secrets=(),
                verifier=Verifier(keys, issuer=ISSUER),
                access=StoreAccess(pool),
                catalogue=Catalogue(pool),
                installations=installations,
                lifecycle=Lifecycle(pool, mounted.registry, runner, contexts, sealer),
                breakers=BreakerRows(pool),
                credits=CreditAccounts(pool),
                delivery_log=DeliveryLog(pool),
                replays=Replays(pool, on_lanes=lambda _: None),
                replay_ranges=ReplayRanges(pool),
                store_calls=calls,
                outbox=outbox,
                notices=Notices(pool),
                live=live,
                changed=changed,
                provider_webhooks=ProviderWebhooks(calls, outbox, pool, operator),
                answers=KeptAnswers(pool, sealer),
                audit=AuditTrail(pool),
                operator=None,
                try_out=TryOut(pool, calls, contexts, installations),
                readiness=Readiness(pool, keys, worker_running=None),
            )
            app = Litestar(
                routes(mounted.routers),
                exception_handlers={Exception: to_response},
                before_send=[add_request_id, add_limits, add_security],
                openapi_config=openapi_config("0"),
                logging_config=None,
                state=State({STATE_KEY: host}),
            )
            let_pages_in(app, [PANEL])
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            client = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://host.test")
            )
            made = Hosted(app, client, signer, owner_id, store_id, mounted.registry, admin_conn, quarantined)
            for slug in plugins:
                await made.install(slug)
            return made

        yield start


class Event(msgspec.Struct):
    name: str
    id: str
    data: Any


class Connection:
    """A client of one stream, as ASGI sees it; it reads when it is asked to."""

    def __init__(self, *, is_slow: bool = False) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.last_id: str | None = None
        self.beats = 0
        self.room = asyncio.Event()
        if not is_slow:
            self.room.set()
        self._text = ""
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._is_asked = False

    async def receive(self):
        if not self._is_asked:
            self._is_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        await self.room.wait()
        self._text += message["body"].decode()
        while "\n\n" in self._text:
            block, self._text = self._text.split("\n\n", 1)
            self._take(block)
        if not message["more_body"]:
            self._events.put_nowait(None)

    def _take(self, block: str) -> None:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        self.last_id = fields.get("id", self.last_id)
        if "event" in fields:
            self._events.put_nowait(Event(fields["event"], fields.get("id", ""), json.loads(fields["data"])))
        else:
            self.beats += 1

    def leave(self) -> None:
        self._gone.set()

    async def next(self, *names: str) -> Event:
        """Return the next event of some names, or of any."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event = await self._events.get()
                assert event is not None, "the stream is over"
                if not names or event.name in names:
                    return event

    def waiting(self) -> list[Event]:
        """Return what has come and was not asked for."""
        return [event for _ in range(self._events.qsize()) if (event := self._events.get_nowait()) is not None]


@pytest.fixture
def new_connection():
    return Connection


@pytest.fixture
def connect(host):
    """Connect to the stream of a store; gives the connection after its first event, or after its refusal."""

    @asynccontextmanager
    async def open_connection(*, path="/stream", store_id=None, user_id=None, last_id=None, token=None, is_slow=False):
        connection = Connection(is_slow=is_slow)
        bearer = token or host.signer.token(user_id or host.owner_id)
        headers = [(b"authorization", f"Bearer {bearer}".encode()), (b"host", b"host.test")]
        if last_id is not None:
            headers.append((b"last-event-id", last_id.encode()))
        path = f"/api/stores/{store_id or host.store_id}{path}"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("host.test", 80),
        }
        serving = asyncio.create_task(host.app(scope, connection.receive, connection.send))
        connection.serving = serving
        try:
            yield connection
        finally:
            connection.leave()
            connection.room.set()
            await asyncio.wait_for(serving, PATIENCE_S)

    return open_connection
