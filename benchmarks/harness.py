"""What all benchmarks stand on: one embedded server, the host's databases and the bare one in it, a store, a receiver.

The server's options are those of production: fsync and synchronous_commit are on, for both sides alike.
"""

import asyncio
import base64
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks.fill.sizes import Sizes
from benchmarks.meter import Meter
from benchmarks.places import Place, Target, connect, copied, scalar
from benchmarks.ports import free_port
from benchmarks.processes import Process
from benchmarks.ready import PLUGINS, make_bare, make_ready
from benchmarks.sink import Counts
from pideai_host.db.embedded import EmbeddedServer, ServerUrls
from pideai_host.stores.secrets import Sealer, generate_webhook_secret

LOOK_S: Final = 0.02
"""How often a benchmark looks whether something is done."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How much to measure.

    Attributes:
        rounds: Times that ours and the baseline take turns.
        seconds: Measured time of one round of intake.
        backlog: Deliveries of one round of delivery.
        fair_s: How long the quiet store is watched in each round.
        sizes: Of what is filled in.
        peers: Folder with the sources of what the host is compared with, None for none.
        peers_env: Folder where they are built, kept for the next time.
    """

    rounds: int = 3
    seconds: float = 5.0
    backlog: int = 10_000
    fair_s: float = 20.0
    sizes: Sizes = Sizes()
    peers: Path | None = None
    peers_env: Path | None = None


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What stands while benchmarks run.

    Attributes:
        host: A database of the host with nothing in it but a store and its installation.
        bare: The owner's connection to the bare pipeline's database, autocommit.
        ready: The database that others are copies of; nobody connects to it.
        postgres_pid: The server's; all of its backends are below it.
        postgres_log: Where it writes.
        hook_secret: Signs the webhooks of both sides.
        webhook_secret: Opens both ways in.
        environ: The host's settings, but for the database (`Place.environ`).
    """

    options: Options
    host: Place
    bare: AsyncConnection[TupleRow]
    ready: ServerUrls
    client: httpx.AsyncClient
    postgres_pid: int
    postgres_log: Path
    target: Target
    sealer: Sealer
    sink_url: str
    hook_secret: str
    webhook_secret: str
    environ: Mapping[str, str]
    folder: Path

    def process(self, name: str, *arguments: str, **environ: str) -> Process:
        """Prepare a Python process with the host's settings and some more; its log is named after it."""
        return Process(*arguments, environ={**self.environ, **environ}, log=self.folder / f"{name}.log")

    def host_process(self, name: str, place: Place, *arguments: str, **environ: str) -> Process:
        """Prepare `pideai-host` on a database."""
        return self.process(name, "-m", "pideai_host", *arguments, **{**place.environ, **environ})

    def copy(self, name: str) -> AbstractAsyncContextManager[Place]:
        """Make another database of the host, as empty as `host`."""
        return copied(self.bare, self.ready, name, [self.target])

    def meter(self, *processes: Process) -> Meter:
        """Prepare to see what processes take."""
        return Meter(self.bare, self.postgres_pid, *(process.pid for process in processes))

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
        key, port = secrets.token_bytes(32), free_port()
        sink_url, hook_secret, webhook_secret = f"http://127.0.0.1:{port}/hook", generate_webhook_secret(), uuid4().hex
        sealer = Sealer([("k1", key)])
        target = await make_ready(server.urls, sealer, sink_url, hook_secret)
        bare_url = await make_bare(server.urls.admin)
        bare = await stack.enter_async_context(await connect(bare_url))
        sink = Process("-m", "benchmarks.sink", str(port), environ={}, log=folder / "sink.log")
        await (await stack.enter_async_context(sink)).line()
        yield Bench(
            options=options,
            host=await stack.enter_async_context(copied(bare, server.urls, "host", [target])),
            bare=bare,
            ready=server.urls,
            client=await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30.0)),
            postgres_pid=await _postgres_pid(bare),
            postgres_log=next((folder / "data").glob("pg*.log")),
            target=target,
            sealer=sealer,
            sink_url=sink_url,
            hook_secret=hook_secret,
            webhook_secret=webhook_secret,
            environ={
                # As an installed host has it: what was compiled is kept, here in a place of the run's own.
                "PYTHONDONTWRITEBYTECODE": "",
                "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
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


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pideai-benchmarks-"))
    folder.chmod(0o711)  # as root, the server runs as another user
    return folder


async def _postgres_pid(connection: AsyncConnection[TupleRow]) -> int:
    return int((await scalar(connection, "select pg_read_file('postmaster.pid')")).splitlines()[0])
