"""NestJS on Fastify with BullMQ on Redis: built from its sources, run on a database of our server."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks import orders
from benchmarks.harness import Bench
from benchmarks.peers import tools
from benchmarks.places import connect, scalar
from benchmarks.processes import BenchmarkFailed, Process
from pideai_host.db.sql import load, query

FOLDER: Final = "nest-bullmq"
SCHEMA: Final = "schema.sql"
POOL: Final = "16"
WORKERS: Final = 2
"""As its README has it; each has 64 jobs at once."""
BUILD_LIMIT_S: Final = 600.0

_SEED: Final = query(load("benchmarks", "sql/nest_seed.sql"))
_COUNTS: Final = query("select array[(select count(*) from event), (select count(*) from delivery)]")
_LEFT: Final = "select count(*) from delivery where status <> 'delivered'"
_RESET: Final = "truncate event, delivery restart identity"


class Nest(msgspec.Struct, frozen=True, kw_only=True):
    """The peer, ready to run.

    Attributes:
        app: The built application.
        redis: Its queue's server, running.
    """

    bench: Bench
    app: Path
    connection: AsyncConnection[TupleRow]
    redis: Process
    redis_port: int
    environ: Mapping[str, str]

    def process(self, script: str, *arguments: str, **environ: str) -> Process:
        """Prepare one of its processes."""
        return Process(
            str(self.app / "dist" / script),
            *arguments,
            program=str(self.app / "node_modules/.bin/node"),
            environ={**self.environ, **environ},
            log=self.bench.folder / f"nest-{script}.log",
        )

    async def clear(self) -> None:
        """Empty its tables and its queue, and have what is still to be written written now."""
        await self._ask_redis("FLUSHALL")
        await self.connection.execute(_RESET)
        await self.connection.execute("checkpoint")

    async def counts(self) -> list[int]:
        """Count events, deliveries and waiting jobs."""
        found = await (await self.connection.execute(_COUNTS)).fetchall()
        queued = await self._ask_redis("LLEN", "bull:deliveries:wait")
        return [*found[0][0], int(queued.removeprefix(":"))]

    async def left(self) -> int:
        """Count what is not delivered yet."""
        return int(await scalar(self.connection, _LEFT))

    async def seed(self) -> None:
        """Leave a backlog: events and deliveries in the database, jobs in the queue.

        Raises:
            BenchmarkFailed: not all of it is there.
        """
        total = self.bench.options.backlog
        await self.clear()
        record = msgspec.json.decode(orders.change_body(self.bench.target.store_id))["record"]
        await self.connection.execute(_SEED, {"count": total, "payload": msgspec.json.encode(record).decode()})
        async with self.process("worker.js", "seed") as process:
            await process.ended()
        if await self.counts() != [total] * 3:
            raise BenchmarkFailed(f"NestJS has {await self.counts()} of a backlog of {total}")
        await self.connection.execute("vacuum analyze")

    async def _ask_redis(self, *words: str) -> str:
        """Ask Redis in its own words; the answers wanted here are one line."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.redis_port)
        writer.write(f"{' '.join(words)}\r\n".encode())
        line = await reader.readline()
        writer.close()
        return line.decode().strip()


@asynccontextmanager
async def opened(
    bench: Bench, sources: Path, app: Path, *, redis: Process, redis_port: int, hook_url: str, token: str
) -> AsyncIterator[Nest]:
    """Make its database; it goes with the server."""
    await bench.bare.execute("create database nest")
    environ = tools.libpq_environ(bench.ready.admin, "nest")
    url = bench.ready.admin.replace("/pideai?", "/nest?")
    async with await connect(url) as connection:
        await connection.execute(query((sources / SCHEMA).read_text()))
        yield Nest(
            bench=bench,
            app=app,
            connection=connection,
            redis=redis,
            redis_port=redis_port,
            environ={
                **environ,
                "POOL": POOL,
                "NODE_ENV": "production",
                "REDIS_PORT": str(redis_port),
                "WEBHOOK_TOKEN": token,
                "HOOK_URL": hook_url,
                "HOOK_SECRET": bench.hook_secret,
            },
        )


async def build(sources: Path, app: Path, log: Path) -> None:
    """Install and compile the application into a folder, where it stays for the next time.

    Raises:
        BenchmarkFailed: npm or the compiler says no; the log tells what.
    """
    await asyncio.to_thread(shutil.copytree, sources / FOLDER, app, dirs_exist_ok=True)
    if not (app / "node_modules").exists():
        await _run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", cwd=app, log=log)
    await _run(str(app / "node_modules/.bin/tsc"), cwd=app, log=log)


async def _run(*command: str, cwd: Path, log: Path) -> None:
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=output, stderr=output)
        code = await asyncio.wait_for(process.wait(), BUILD_LIMIT_S)
    if code:
        text = await asyncio.to_thread(log.read_text)
        raise BenchmarkFailed(f"`{' '.join(command)}` failed: {text[-500:]}")
