"""Start and rest: how long until the first answer, beside the database's own start, and what idle processes hold."""

import asyncio
import contextlib
from pathlib import Path
from time import perf_counter
from typing import Final

import httpx

from benchmarks.figures import Figure, alone
from benchmarks.harness import Bench
from benchmarks.machine import memory_mib
from benchmarks.ports import free_port
from benchmarks.processes import Process
from pideai_host.db.embedded import EmbeddedServer

LOOK_S: Final = 0.005
LIMIT_S: Final = 30.0
REST_S: Final = 3.0


async def run(bench: Bench) -> list[Figure]:
    """Measure starts, and memory at rest."""
    starts, serving, working = [], [], []
    await _serve(bench)  # not measured: it compiles, which an installed host has behind it
    await _work(bench)
    for _ in range(bench.options.rounds):
        seconds, mib = await _serve(bench)
        starts.append(seconds)
        serving.append(mib)
        working.append(await _work(bench))
    database = await asyncio.to_thread(_database_s, bench.folder / "start", bench.options.rounds)
    return [
        alone("start.first_answer", "s", starts),
        alone("start.database", "s", database[1:]),
        alone("start.new_database", "s", database[:1]),
        alone("memory.serve", "MiB", serving),
        alone("memory.worker", "MiB", working),
    ]


async def _serve(bench: Bench) -> tuple[float, float]:
    port = free_port()
    environ = {"PIDEAI_HOST": "127.0.0.1", "PIDEAI_PORT": str(port)}
    began_s = perf_counter()
    async with bench.host_process("start", bench.host, "serve", "--no-worker", **environ) as process:
        await _wait_for_answer(bench.client, f"http://127.0.0.1:{port}/health/live", process)
        seconds = perf_counter() - began_s
        await asyncio.sleep(REST_S)
        return seconds, memory_mib(process.pid)


async def _work(bench: Bench) -> float:
    async with bench.host_process("rest", bench.host, "worker") as process:
        await asyncio.sleep(REST_S)
        process.require_alive()
        return memory_mib(process.pid)


async def _wait_for_answer(client: httpx.AsyncClient, url: str, process: Process) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            process.require_alive()
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(url)).is_success:
                    return
            await asyncio.sleep(LOOK_S)


def _database_s(folder: Path, rounds: int) -> list[float]:
    """Return the seconds of the server's first start, which makes its data, and of those after it."""
    found = []
    for _ in range(rounds + 1):
        server = EmbeddedServer(folder)
        began_s = perf_counter()
        server.start()
        found.append(perf_counter() - began_s)
        server.stop()
    return found
