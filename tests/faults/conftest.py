"""Real processes, a real server and a real receiver, to be killed, cut and stopped.

rig            Rig: a store whose webhook-bridge posts to `rig.receiver`, on a database of the session's server
durable_rig    the same on a server of its own, `rig.server`, that keeps what it committed through a crash

What holds in all of these tests (`Rig.require_nothing_lost`): each event that was accepted has exactly one delivery for
each installation, and no other delivery exists. A killed worker's messages come back when their leases end, after a
minute; `Rig.end_leases` ends them at once, which may be done only while nobody holds one.
"""

import asyncio
import base64
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from aiohttp import web

from pideai_host.db.dev import apply_dev_base, create_demo_store
from pideai_host.db.embedded import EmbeddedServer
from pideai_host.db.embedded.server import ensure_runtime_login
from pideai_host.db.migrate import migrate
from pideai_host.db.pool import open_pool
from pideai_host.demo.processes import HostProcess, free_port, wait_until_ready
from pideai_host.events.changes import ChangeReader
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.identity import delivery_id
from pideai_host.events.intake import Intake
from pideai_host.events.rows import read_change
from pideai_host.outgoing.client import make_client
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import load_registry
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.wire import InstallIn
from pideai_host.testing.tokens import TokenSigner

DISTS = Path(__file__).parent / "dists"
PATIENCE_S = 45.0
BRIDGE = "webhook-bridge"
MASTER_KEY = b"k" * 32
WEBHOOK_SECRET = "the-database-webhook's-secret"
ISSUER = "http://127.0.0.1/auth/v1"
LOOPBACK = ip_network("127.0.0.0/8")

_PLACE = """
with placed as (
  insert into public.orders
    (id, store_id, customer_name, customer_email, customer_phone, total_amount, order_type)
  select gen_random_uuid(), %(store)s, %(customer)s, 'ana@example.com', '04141234567', 10.50, 'pickup'
  from generate_series(1, %(count)s)
  returning *
),
filled as (
  insert into public.order_items (order_id, menu_item_id, item_name, quantity, price_at_time)
  select p.id, (select m.id from public.menu_items m where m.store_id = %(store)s limit 1), 'Arepa', 1, 10.50
  from placed p
)
select jsonb_build_object('type', 'INSERT', 'table', 'orders', 'schema', 'public',
                          'record', to_jsonb(placed), 'old_record', null)::text
from placed
"""


async def wait_until(condition: Callable[[], Awaitable[Any]], *, limit_s: float = PATIENCE_S) -> Any:
    """Wait until a condition holds and return what it returned."""
    async with asyncio.timeout(limit_s):
        while True:
            found = await condition()
            if found:
                return found
            await asyncio.sleep(0.05)


@pytest.fixture
def until():
    return wait_until


class Receiver:
    """A developer's server: counts webhook ids, and answers 200 or whatever `answer` says."""

    def __init__(self) -> None:
        self.seen: Counter[UUID] = Counter()
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        self.signer = TokenSigner(ISSUER)
        self.port = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook/{store}", self._take)
        app.router.add_get("/jwks.json", self._keys)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def doubled(self) -> set[UUID]:
        """The deliveries that came more than once."""
        return {one for one, times in self.seen.items() if times > 1}

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(self.signer.jwks())

    async def _take(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.seen[UUID(request.headers["webhook-id"])] += 1
        return web.Response() if self.answer is None else await self.answer(request)


class Process:
    """A process of the host that can be killed with all that belongs to it."""

    def __init__(self, host: HostProcess, log: Path) -> None:
        self.host = host
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def exit_code(self) -> int | None:
        return self.host._process.returncode

    async def kill(self) -> None:
        """Kill -9, the server's own processes included."""
        with suppress(ProcessLookupError):
            os.killpg(self.host._process.pid, signal.SIGKILL)
        await self.host._process.wait()

    def terminate(self) -> None:
        """Ask it to stop, as an operator does."""
        self.host._process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        return await asyncio.wait_for(self.host._process.wait(), PATIENCE_S)


class Delivery(NamedTuple):
    id: UUID
    store_id: UUID
    slug: str
    status: str
    attempts: int
    error: str | None
    code: int | None


@dataclass
class Rig:
    """A store, its receiver, its database and the processes of the host that a test starts."""

    connection: psycopg.AsyncConnection
    pool: Any
    receiver: Receiver
    store_id: UUID
    environ: dict[str, str]
    folder: Path
    stack: AsyncExitStack
    server: EmbeddedServer | None
    port: int
    installations: dict[UUID, list[UUID]] = field(default_factory=dict)
    accepted: dict[UUID, UUID] = field(default_factory=dict)

    async def start(self, *arguments: str) -> Process:
        log = self.folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
        host = await self.stack.enter_async_context(HostProcess(*arguments, environ=self.environ, log=log))
        process = Process(host, log)
        self.stack.push_async_callback(process.kill)
        return process

    async def worker(self) -> Process:
        process = await self.start("worker")

        async def started() -> bool:
            process.host.require_alive()
            return "worker_started" in process.log

        await wait_until(started)
        return process

    async def serve(self) -> Process:
        process = await self.start("serve", "--no-worker")
        await wait_until_ready(f"http://127.0.0.1:{self.port}", process.host)
        return process

    async def store(self, name: str) -> UUID:
        """Make another store with the bridge, to the receiver's address of its own."""
        store_id = await create_demo_store(self.connection, owner_id=uuid4(), subdomain=name, name=name)
        await self.install(store_id, BRIDGE)
        return store_id

    async def install(self, store_id: UUID, *slugs: str) -> None:
        registry = load_registry(slugs)
        await sync_catalogue(self.connection, registry.definitions.values())
        sealer = Sealer([("k1", MASTER_KEY)])
        http, runner = make_client(allow=(LOOPBACK,)), HookRunner()
        contexts = ContextFactory(self.pool, http, sealer, {})
        lifecycle = Lifecycle(self.pool, registry, runner, contexts, sealer, allow=(LOOPBACK,))
        for slug in slugs:
            url = f"http://127.0.0.1:{self.receiver.port}/hook/{store_id}"
            made = await lifecycle.install(
                store_id, slug, InstallIn(webhook_url=url) if slug == BRIDGE else InstallIn()
            )
            self.installations.setdefault(store_id, []).append(made.id)
        await http.aclose()
        await runner.aclose()

    async def place(self, count: int, *, store_id: UUID | None = None, customer: str = "Ana") -> list[bytes]:
        """Write orders with their items as the storefront does; return the bodies of their database webhooks."""
        cursor = await self.connection.execute(
            _PLACE, {"store": store_id or self.store_id, "customer": customer, "count": count}
        )
        return [row[0].encode() for row in await cursor.fetchall()]

    @asynccontextmanager
    async def trade(self) -> AsyncIterator[None]:
        """Sell while the block runs, five orders every tenth of a second; at its end each has got its 202."""
        closing = asyncio.Event()
        selling = asyncio.create_task(self._sell(closing))
        try:
            yield
        finally:
            closing.set()
            await asyncio.wait_for(selling, PATIENCE_S)

    async def _sell(self, closing: asyncio.Event) -> None:
        posting = []
        while not closing.is_set():
            posting.append(asyncio.create_task(self.post(await self.place(5))))
            await asyncio.sleep(0.1)
        await asyncio.gather(*posting)

    async def post(self, bodies: list[bytes]) -> None:
        """Post bodies to the host, each until it gets its 202."""
        limits = httpx.Limits(max_connections=16)
        async with httpx.AsyncClient(trust_env=False, timeout=20.0, limits=limits) as client:
            await asyncio.gather(*(self._post(client, body) for body in bodies))

    async def _post(self, client: httpx.AsyncClient, body: bytes) -> None:
        headers = {"X-PideAI-Webhook-Secret": WEBHOOK_SECRET, "Content-Type": "application/json"}
        while True:
            try:
                answer = await client.post(
                    f"http://127.0.0.1:{self.port}/webhooks/supabase", content=body, headers=headers
                )
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code == 202:
                break
            assert answer.status_code >= 500, answer.text
            await asyncio.sleep(0.1)
        self._note(body, [UUID(one) for one in answer.json()["event_ids"]])

    async def bring(self, count: int, **about: Any) -> list[UUID]:
        """Bring new orders in without a serving process and without a word to any worker; return their deliveries."""
        directory = StoreDirectory(self.pool, monotonic=time.monotonic)
        intake = Intake(self.pool, directory, on_lanes=lambda _: None)
        reader = ChangeReader(directory, now=lambda: datetime.now(UTC))
        made = []
        for body in await self.place(count, **about):
            events = await reader.events_of(read_change(body), source="webhook")
            async with self.pool.connection() as connection:
                await intake.store(events, connection)
            made += self._note(body, [event.id for event in events])
        return made

    def _note(self, body: bytes, event_ids: list[UUID]) -> list[UUID]:
        store_id = UUID(_store_of(body))
        made = []
        for event_id in event_ids:
            self.accepted[event_id] = store_id
            made += [delivery_id(event_id, one) for one in self.installations[store_id]]
        return made

    async def rows(self, sql: str, *parameters: Any) -> list[Any]:
        return await (await self.connection.execute(sql, parameters or None)).fetchall()

    async def deliveries(self) -> list[Delivery]:
        return [
            Delivery(*row)
            for row in await self.rows(
                """select d.id, d.store_id, p.slug, d.status, d.attempts, d.error_message, d.response_code
                from public.plugin_events_log d join public.plugins p on p.id = d.plugin_id order by d.created_at"""
            )
        ]

    async def done(self, *, limit_s: float = PATIENCE_S) -> list[Delivery]:
        """Wait until no delivery is pending; return them all."""

        async def nothing_pending() -> Any:
            found = await self.deliveries()
            return found if found and all(one.status != "pending" for one in found) else None

        return await wait_until(nothing_pending, limit_s=limit_s)

    async def end_leases(self) -> None:
        for (lane,) in await self.rows("select queue_name from pgmq.meta"):
            await self.rows(f"update pgmq.q_{lane} set vt = clock_timestamp() where vt > clock_timestamp() returning 1")

    async def require_nothing_lost(self) -> list[Delivery]:
        """Hold the log against what was accepted; return the log."""
        found = await self.deliveries()
        expected = {
            delivery_id(event, one) for event, store in self.accepted.items() for one in self.installations[store]
        }
        assert {one.id for one in found} == expected
        assert len(found) == len(expected)
        assert set(self.receiver.seen) <= expected
        return found


def _store_of(body: bytes) -> str:
    return body.decode().split('"store_id": "')[1][:36]


@pytest.fixture(autouse=True)
def _installed_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find the plugins that its children find."""
    monkeypatch.syspath_prepend(str(DISTS))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as opened:
        yield opened


@pytest.fixture
async def rig(database: Any, receiver: Receiver, tmp_path: Path) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        yield await _build(database.admin_url, database.runtime_url, receiver, tmp_path, stack, None)


@pytest.fixture
async def durable_rig(durable_server: EmbeddedServer, receiver: Receiver, tmp_path: Path) -> AsyncIterator[Rig]:
    urls = durable_server.urls
    async with AsyncExitStack() as stack:
        yield await _build(urls.admin, urls.runtime, receiver, tmp_path, stack, durable_server)


@pytest.fixture
def durable_server(open_dir: Path) -> Iterator[EmbeddedServer]:
    """A server that keeps its promises when it crashes; only a power cut could take something from it."""
    with EmbeddedServer(open_dir / "data", options={"fsync": "off"}) as server:
        asyncio.run(_apply(server.urls.admin))
        migrate(server.urls.admin, install_pgmq=True)
        ensure_runtime_login(server.urls.admin)
        yield server


async def _apply(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await apply_dev_base(connection)


async def _build(
    admin_url: str,
    runtime_url: str,
    receiver: Receiver,
    folder: Path,
    stack: AsyncExitStack,
    server: EmbeddedServer | None,
) -> Rig:
    connection = await stack.enter_async_context(await psycopg.AsyncConnection.connect(admin_url, autocommit=True))
    pool = await stack.enter_async_context(open_pool(admin_url, min_size=1, max_size=4, name="rig"))
    port = free_port()
    environ = {
        "DATABASE_URL": runtime_url,
        "ADMIN_DATABASE_URL": admin_url,
        "PIDEAI_HOST": "127.0.0.1",
        "PIDEAI_PORT": str(port),
        "PIDEAI_MASTER_KEYS": "k1:" + base64.b64encode(MASTER_KEY).decode(),
        "PIDEAI_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "PIDEAI_HTTP_ALLOW": str(LOOPBACK),
        "PIDEAI_LOG_FORMAT": "json",
        "PIDEAI_PLUGINS": "webhook-bridge,exits,raises,hangs,swallows,blocks,leaks",
        "SUPABASE_JWKS_URL": f"http://127.0.0.1:{receiver.port}/jwks.json",
        "SUPABASE_JWT_ISSUER": ISSUER,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(DISTS), os.environ.get("PYTHONPATH")])),
    }
    rig = Rig(connection, pool, receiver, UUID(int=0), environ, folder, stack, server, port)
    rig.store_id = await rig.store("arepas")
    return rig
