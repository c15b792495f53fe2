"""A store, its receiver, its database, and the processes of the host that a test starts."""

import asyncio
import base64
import os
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from pideai_host.db.embedded import EmbeddedServer
from pideai_host.db.pool import Pool, open_pool
from rig.log import DeliveryLog
from rig.process import Process
from rig.receiver import ISSUER, Receiver
from rig.shop import LOOPBACK, MASTER_KEY, WEBHOOK_SECRET, Shop
from rig.waiting import wait_until

QUIET_PORTS = range(10_000, 32_000)
"""Below those that the kernel gives to connections."""
HERE = Path(__file__).parents[1]
DISTS = HERE / "dists"
PLUGINS = "webhook-bridge,exits,raises,hangs,swallows,blocks,leaks,retries,emits,charges,ages"


class Rig:
    """All of it; made by `open_rig`."""

    def __init__(
        self,
        *,
        shop: Shop,
        log: DeliveryLog,
        receiver: Receiver,
        pool: Pool,
        environ: dict[str, str],
        folder: Path,
        stack: AsyncExitStack,
        server: EmbeddedServer | None,
    ) -> None:
        self.shop = shop
        self.log = log
        self.receiver = receiver
        self.pool = pool
        self.server = server
        self.url = f"http://127.0.0.1:{environ['PIDEAI_PORT']}"
        self._environ = environ
        self._folder = folder
        self._stack = stack

    async def worker(self, *arguments: str, **environ: str) -> Process:
        """Start a worker; returns once it works."""
        process = await self._start("worker", *arguments, **environ)
        await process.said("worker_started")
        return process

    async def life(self) -> int:
        """Start a worker that will be ended by what it does; return its exit code, with its leases ended as well."""
        code = await (await self._start("worker")).ended()
        await self.log.end_leases()
        return code

    async def supervise(self, condition: Callable[[], Awaitable[Any]]) -> tuple[list[int], Process]:
        """Start a worker again whenever it ends, until a condition holds; return the exit codes and the last worker."""
        codes: list[int] = []
        done = asyncio.ensure_future(wait_until(condition))
        while True:
            worker = await self._start("worker")
            end = asyncio.ensure_future(worker.ended(limit_s=None))
            await asyncio.wait({done, end}, return_when=asyncio.FIRST_COMPLETED)
            if not end.done():
                end.cancel()
                await done
                return codes, worker
            codes.append(end.result())
            await self.log.end_leases()

    async def serve(self, *, with_worker: bool = False, **environ: str) -> Process:
        """Start a host that takes events in, and delivers nothing unless told to; returns once it serves."""
        process = await self._start("serve", *([] if with_worker else ["--no-worker"]), **environ)
        await process.answers(self.url)
        return process

    async def operator(self, *arguments: str) -> str:
        """Do as an operator does on the command line; return what it says."""
        process = await self._start(*arguments)
        assert await process.ended() == 0, process.log
        return process.log

    async def _start(self, *arguments: str, **environ: str) -> Process:
        log = self._folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
        process = await Process.start(*arguments, environ={**self._environ, **environ}, log=log)
        self._stack.push_async_callback(process.kill)
        return process

    async def degraded(self, process: Process, word: str = "") -> list[str]:
        """Return what a serving process says that goes wrong although it serves, where it holds a word."""
        told = (await process.answers(self.url)).json()
        return [f"{part}: {why}" for part, why in told["reasons"].items() if word in why]

    async def crash_database(self, *, down_s: float) -> None:
        """Stop the server as a crash does and start it again a while later; the rig's own connection as well."""
        assert self.server is not None
        cluster = self.server._cluster()
        await asyncio.to_thread(cluster._stop, "immediate", 10)
        await asyncio.sleep(down_s)
        await self.start_database()

    async def use_up_the_log(self) -> None:
        """Make the server begin new files of its write-ahead log until there is no room for one."""
        with suppress(psycopg.OperationalError):
            while True:
                await self.log.rows("select pg_switch_wal()")

    async def start_database(self) -> None:
        """Start the server that has stopped, or is about to: it tries to come up again by itself."""
        assert self.server is not None
        cluster = self.server._cluster()
        if await asyncio.to_thread(cluster.find):
            await asyncio.to_thread(cluster._stop, "immediate", 10)
        await asyncio.to_thread(cluster.start)
        await self.connect(self.server.urls.admin)

    async def connect(self, url: str) -> None:
        """Give shop and log a connection of the owner, in place of the one that was lost."""
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        self.shop.connection = self.log.connection = await self._stack.enter_async_context(connection)

    async def waits_for(self, kind: str, statement: str) -> bool:
        """Tell whether the host waits in a statement (a LIKE pattern) for a kind of event."""
        return bool(
            await self.log.rows(
                """select 1 from pg_stat_activity
                where usename = 'pideai_host' and state = 'active' and wait_event_type = %s and query like %s""",
                kind,
                statement,
            )
        )

    @asynccontextmanager
    async def commits_held(self) -> AsyncIterator[None]:
        """Let no commit be answered as long as the block runs: each is made, and waits for a standby that is not there.

        Only on a server of the test's own. The rig's connections wait for no standby.
        """
        await self._name_standby("nobody")
        try:
            yield
        finally:
            await self._name_standby("")

    async def _name_standby(self, name: str) -> None:
        await self.log.rows(f"alter system set synchronous_standby_names = '{name}'")
        await self.log.rows("select pg_reload_conf()")
        await wait_until(
            lambda: self.log.rows("select 1 where current_setting('synchronous_standby_names') = %s", name)
        )

    async def cut_connections(self) -> None:
        """Cut all connections of the host."""
        await self.log.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'pideai_host'")


def quiet_port() -> int:
    """Return a port that nobody uses and that no connection is given as its own: a killed host has to find it free."""
    for port in random.sample(QUIET_PORTS, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@asynccontextmanager
async def open_rig(
    admin_url: str, runtime_url: str, receiver: Receiver, folder: Path, server: EmbeddedServer | None = None
) -> AsyncIterator[Rig]:
    """Open a rig with one store; its processes are killed at the end."""
    async with AsyncExitStack() as stack:
        connection: psycopg.AsyncConnection[Any] = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(admin_url, autocommit=True)
        )
        pool = await stack.enter_async_context(open_pool(admin_url, min_size=1, max_size=4, name="rig"))
        port = quiet_port()
        shop = Shop(connection, pool, receiver, port)
        rig = Rig(
            shop=shop,
            log=DeliveryLog(connection, shop, receiver),
            receiver=receiver,
            pool=pool,
            environ={
                "DATABASE_URL": runtime_url,
                "ADMIN_DATABASE_URL": admin_url,
                "PIDEAI_HOST": "127.0.0.1",
                "PIDEAI_PORT": str(port),
                "PIDEAI_MASTER_KEYS": "k1:" + base64.b64encode(MASTER_KEY).decode(),
                "PIDEAI_WEBHOOK_SECRETS": WEBHOOK_SECRET,
                "PIDEAI_HTTP_ALLOW": str(LOOPBACK),
                "PIDEAI_LOG_FORMAT": "json",
                "PIDEAI_PLUGINS": PLUGINS,
                "SUPABASE_JWKS_URL": f"http://127.0.0.1:{receiver.port}/jwks.json",
                "SUPABASE_JWT_ISSUER": ISSUER,
                "PYTHONPATH": os.pathsep.join(filter(None, [str(DISTS), str(HERE), os.environ.get("PYTHONPATH")])),
            },
            folder=folder,
            stack=stack,
            server=server,
        )
        await shop.open_store("arepas")
        yield rig
