"""What all benchmarks stand on: one embedded server, the host's database and the bare one in it, a store, a receiver.

The server's options are those of production: fsync and synchronous_commit are on, for both sides alike.
"""

import asyncio
import base64
import contextlib
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks.processes import Process
from benchmarks.sink import Counts
from pideai_host.db import pgmq
from pideai_host.db.dev import apply_dev_base, create_demo_store
from pideai_host.db.embedded import EmbeddedServer, ensure_runtime_login
from pideai_host.db.migrate import migrate
from pideai_host.db.sql import load, query
from pideai_host.plugins.registry import load_registry
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.stores.secrets import Sealer, generate_webhook_secret

PLUGINS: Final = "whatsapp,webhook-bridge"
BRIDGE: Final = "webhook-bridge"
START_LIMIT_S: Final = 30.0
LOOK_S: Final = 0.02


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How much to measure.

    Attributes:
        rounds: Times that ours and the baseline take turns.
        seconds: Measured time of one round of intake.
        backlog: Deliveries of one round of delivery.
    """

    rounds: int = 3
    seconds: float = 5.0
    backlog: int = 10_000


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What stands while benchmarks run.

    Attributes:
        host: The owner's connection to the host's database, autocommit.
        bare: Likewise to the bare pipeline's.
        postgres_pid: The server's; all of its backends are below it.
        hook_secret: Signs the webhooks of both sides.
        webhook_secret: Opens both ways in.
    """

    options: Options
    host: AsyncConnection[TupleRow]
    bare: AsyncConnection[TupleRow]
    bare_url: str
    client: httpx.AsyncClient
    postgres_pid: int
    store_id: UUID
    installation_id: UUID
    sink_url: str
    hook_secret: str
    webhook_secret: str
    environ: Mapping[str, str]
    folder: Path

    def process(self, name: str, *arguments: str, **environ: str) -> Process:
        """Prepare a process with the host's settings and some more; its log is named after it."""
        return Process(*arguments, environ={**self.environ, **environ}, log=self.folder / f"{name}.log")

    async def sink(self) -> Counts:
        """Return what the receiver has counted."""
        return msgspec.json.decode((await self.client.get(self.sink_url)).content, type=Counts)


@asynccontextmanager
async def open_bench(options: Options) -> AsyncIterator[Bench]:
    """Set everything up in a folder of its own and remove it afterwards."""
    async with AsyncExitStack() as stack:
        folder = await asyncio.to_thread(_make_folder)
        stack.callback(shutil.rmtree, folder)
        server = EmbeddedServer(folder / "data")
        stack.enter_context(server)
        urls = server.urls
        host = await stack.enter_async_context(await AsyncConnection.connect(urls.admin, autocommit=True))
        await apply_dev_base(host)
        migrate(urls.admin, install_pgmq=True)
        ensure_runtime_login(urls.admin)
        bare_url = await _make_bare(host, urls.admin)
        key, port = secrets.token_bytes(32), free_port()
        sink_url, hook_secret, webhook_secret = f"http://127.0.0.1:{port}/hook", generate_webhook_secret(), uuid4().hex
        store_id, installation_id = await _make_store(host, Sealer([("k1", key)]), sink_url, hook_secret)
        sink = Process("-m", "benchmarks.sink", str(port), environ={}, log=folder / "sink.log")
        await (await stack.enter_async_context(sink)).line()
        yield Bench(
            options=options,
            host=host,
            bare=await stack.enter_async_context(await AsyncConnection.connect(bare_url, autocommit=True)),
            bare_url=bare_url,
            client=await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30.0)),
            postgres_pid=await _postgres_pid(host),
            store_id=store_id,
            installation_id=installation_id,
            sink_url=sink_url,
            hook_secret=hook_secret,
            webhook_secret=webhook_secret,
            environ={
                "DATABASE_URL": urls.runtime,
                "ADMIN_DATABASE_URL": urls.admin,
                "PIDEAI_MASTER_KEYS": f"k1:{base64.b64encode(key).decode()}",
                "PIDEAI_WEBHOOK_SECRETS": webhook_secret,
                "PIDEAI_HTTP_ALLOW": "127.0.0.0/8",
                "PIDEAI_LOG_FORMAT": "json",
                "PIDEAI_PLUGINS": PLUGINS,
                "SUPABASE_JWKS_URL": sink_url,  # no user signs in here
                "SUPABASE_JWT_ISSUER": "http://127.0.0.1/auth/v1",
                "BARE_DATABASE_URL": bare_url,
            },
            folder=folder,
        )


async def scalar(connection: AsyncConnection[TupleRow], statement: str) -> Any:
    """Return the one value that a statement of ours answers."""
    row = await (await connection.execute(query(statement))).fetchone()
    return row[0] if row is not None else None


async def wait_until_answering(port: int, process: Process) -> None:
    """Wait until something listens on a port.

    Raises:
        BenchmarkFailed: the process ended instead.
        TimeoutError: nothing did within `START_LIMIT_S`.
    """
    async with asyncio.timeout(START_LIMIT_S):
        while True:
            process.require_alive()
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(LOOK_S)


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pideai-benchmarks-"))
    folder.chmod(0o711)  # as root, the server runs as another user
    return folder


async def _make_bare(host: AsyncConnection[TupleRow], admin_url: str) -> str:
    await host.execute("create database bare")
    url = psycopg.conninfo.make_conninfo(admin_url, dbname="bare")
    with psycopg.connect(url, autocommit=True) as connection:
        pgmq.ensure(connection, install=True)
        connection.execute(query(load("benchmarks", "sql/bare.sql")))
    return url


async def _make_store(
    connection: AsyncConnection[TupleRow], sealer: Sealer, hook_url: str, hook_secret: str
) -> tuple[UUID, UUID]:
    """Make a store that has the bridge installed, as the API would leave it."""
    store_id = await create_demo_store(connection, owner_id=uuid4(), subdomain="arepera-bench", name="Arepera")
    definitions = load_registry(frozenset(PLUGINS.split(","))).definitions
    await sync_catalogue(connection, definitions.values())
    sealed = sealer.seal(hook_secret, store_id, BRIDGE, "webhook_secret")
    cursor = await connection.execute(
        """insert into public.store_plugins (store_id, plugin_id, webhook_url, webhook_secret)
        select %s, id, %s, %s from public.plugins where slug = %s returning id""",
        (store_id, hook_url, sealed, BRIDGE),
    )
    row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("the catalogue lacks the bridge: run through `uv run`")
    return store_id, row[0]


async def _postgres_pid(connection: AsyncConnection[TupleRow]) -> int:
    return int((await scalar(connection, "select pg_read_file('postmaster.pid')")).splitlines()[0])
