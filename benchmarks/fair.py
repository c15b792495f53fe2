"""Fair: how long a quiet store's order takes from the webhook to its receiver, alone and beside others' trouble.

The trouble, one at a time, is always another store's: a hundred thousand orders at once, put in through the real
intake; a receiver that takes requests and never answers; a plugin that raises whatever it is given.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec

from benchmarks import dists, seed
from benchmarks.figures import Figure, alone, compared
from benchmarks.fill.orders import place_orders
from benchmarks.fill.stores import add_stores, install
from benchmarks.harness import Bench
from benchmarks.intake import CONNECTIONS
from benchmarks.load import Outcome
from benchmarks.places import Place, Target
from benchmarks.ports import free_port, wait_until_answering
from benchmarks.probe import Plan, Seen
from benchmarks.processes import BenchmarkFailed, Process
from benchmarks.ready import PLUGINS

PER_S: Final = 25.0
"""Orders of the quiet store."""
TROUBLED_PER_S: Final = 23.0
"""Orders of those in trouble; at the same pace they would all come right beside the quiet store's, or none would."""
WARM: Final = 50
TROUBLED_STORES: Final = 10
"""So many share the raising plugin: one alone would soon be spared by its breaker."""
AHEAD_S: Final = 5.0
"""How long the trouble lasts before the quiet store is measured."""
OLD_S: Final = 86_400.0
"""Age of the orders in the shop's tables: from before the installation, so that the sweep does not bring them."""
BACKLOG_LIMIT_S: Final = 600.0
RAISING: Final = "bench-raising"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Who is there.

    Attributes:
        serve_port: Where the host takes orders in.
        probe_port: Where the quiet store receives.
        hanging: Its receiver never answers.
        raising: Theirs is the plugin that raises.
        busy: Has the backlog.
    """

    bench: Bench
    place: Place
    serve_port: int
    probe_port: int
    quiet: Target
    hanging: Target
    raising: Sequence[Target]
    busy: Target
    environ: dict[str, str]

    def probe(self, name: str, plan: Plan) -> Process:
        """Prepare a process that posts orders."""
        return self.bench.process(name, "-m", "benchmarks.probe", msgspec.json.encode(plan).decode())

    def plan(self, orders: Sequence[tuple[object, object]], **options: object) -> Plan:
        """Plan to post orders."""
        url = f"http://127.0.0.1:{self.serve_port}/webhooks/supabase"
        return msgspec.convert(
            {"url": url, "secret": self.bench.webhook_secret, "orders": orders, "per_s": PER_S, **options}, Plan
        )


async def run(bench: Bench) -> list[Figure]:
    """Measure the quiet store alone and beside each kind of trouble, in turn."""
    found: dict[str, list[Seen]] = {"alone": [], "backlog": [], "hanging": [], "raising": []}
    left: list[float] = []
    async with _stage(bench) as stage:
        for _ in range(bench.options.rounds):
            found["alone"].append(await _measure(stage, []))
            beside, count = await _beside_backlog(stage)
            found["backlog"].append(beside)
            left.append(count)
            found["hanging"].append(await _measure(stage, [stage.hanging]))
            found["raising"].append(await _measure(stage, stage.raising))
    quiet = found.pop("alone")
    figures = [
        alone("fair.alone.p50", "ms", [one.p50_ms for one in quiet]),
        alone("fair.alone.p99", "ms", [one.p99_ms for one in quiet]),
        alone("fair.backlog.left", "deliveries", left),
    ]
    for name, seen in found.items():
        figures += [
            compared(f"fair.{name}.p50", "ms", [one.p50_ms for one in seen], [one.p50_ms for one in quiet]),
            compared(f"fair.{name}.p99", "ms", [one.p99_ms for one in seen], [one.p99_ms for one in quiet]),
        ]
    return figures


@asynccontextmanager
async def _stage(bench: Bench) -> AsyncIterator[Stage]:
    """Make the stores, their plugins and receivers, and serve the host's webhook."""
    probe_port, serve_port = free_port(), free_port()
    folder = bench.folder / "raising"
    folder.mkdir()
    await asyncio.to_thread(dists.make, folder, [RAISING], module=dists.RAISING)
    environ = {"PYTHONPATH": dists.path_with(folder), "PIDEAI_PLUGINS": f"{PLUGINS},{RAISING}"}
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(bench.copy("fair"))
        hang_port = await stack.enter_async_context(_hanging_receiver())
        (quiet,) = await add_stores(bench, place, 1, url=f"http://127.0.0.1:{probe_port}/hook")
        (hanging,) = await add_stores(bench, place, 1, url=f"http://127.0.0.1:{hang_port}/hook")
        busy, *raising = await add_stores(bench, place, 1 + TROUBLED_STORES)
        serve = bench.host_process(
            "serve", place, "serve", "--no-worker", PIDEAI_HOST="127.0.0.1", PIDEAI_PORT=str(serve_port), **environ
        )
        await wait_until_answering(serve_port, await stack.enter_async_context(serve))
        await install(place, [RAISING], raising)
        yield Stage(
            bench=bench,
            place=place,
            serve_port=serve_port,
            probe_port=probe_port,
            quiet=quiet,
            hanging=hanging,
            raising=raising,
            busy=busy,
            environ=environ,
        )


@asynccontextmanager
async def _hanging_receiver() -> AsyncIterator[int]:
    """Take connections and requests, and never answer."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()  # whoever still hangs is cut off when the worker ends


async def _measure(stage: Stage, troubled: Sequence[Target]) -> Seen:
    """Measure the quiet store while others' orders come at the same pace and meet their trouble."""
    await stage.place.clear()
    quiet = await _orders(stage, [stage.quiet], stage.bench.options.fair_s)
    others = await _orders(stage, troubled, stage.bench.options.fair_s + 2 * AHEAD_S) if troubled else []
    async with AsyncExitStack() as stack:
        await _start_worker(stage, stack)
        if others:
            plan = stage.plan(others, port=free_port(), per_s=TROUBLED_PER_S, patience_s=0.0)
            trouble = await stack.enter_async_context(stage.probe("trouble", plan))
            await trouble.line()
            await trouble.tell()
            await asyncio.sleep(AHEAD_S)
        return await _probe(stage, stack, quiet)


async def _beside_backlog(stage: Stage) -> tuple[Seen, int]:
    """Measure the quiet store while a worker works off another store's backlog; says how much of that was left."""
    bench = stage.bench
    await stage.place.clear()
    quiet = await _orders(stage, [stage.quiet], bench.options.fair_s)
    count = bench.options.sizes.backlog
    numbers = (stage.serve_port, bench.webhook_secret, CONNECTIONS, 0.0, BACKLOG_LIMIT_S, count, stage.busy.store_id)
    async with bench.process("load", "-m", "benchmarks.load", *map(str, numbers)) as load:
        await load.line()
        outcome = msgspec.json.decode(await load.line(BACKLOG_LIMIT_S), type=Outcome)
    if outcome.accepted != count:
        raise BenchmarkFailed(f"of a backlog of {count} orders {outcome.accepted} were accepted")
    async with AsyncExitStack() as stack:
        await _start_worker(stage, stack)
        return await _probe(stage, stack, quiet), await stage.place.left()


async def _start_worker(stage: Stage, stack: AsyncExitStack) -> None:
    worker = stage.bench.host_process("worker", stage.place, "worker", **stage.environ)
    await stack.enter_async_context(worker)


async def _probe(stage: Stage, stack: AsyncExitStack, orders: Sequence[tuple[object, object]]) -> Seen:
    plan = stage.plan(orders, port=stage.probe_port, warm=WARM)
    probe = await stack.enter_async_context(stage.probe("probe", plan))
    await probe.line()
    await probe.tell()
    seen = msgspec.json.decode(await probe.line(), type=Seen)
    if seen.refused or seen.missing:
        raise BenchmarkFailed(f"of the quiet store's orders {seen.refused} were refused, {seen.missing} not delivered")
    return seen


async def _orders(stage: Stage, targets: Sequence[Target], seconds: float) -> list[tuple[object, object]]:
    """Write the orders of so many seconds into the shop's tables, with their items; return store and order of each."""
    connection = stage.place.connection
    await seed.stage(connection, targets, round(seconds * PER_S) + WARM)
    await place_orders(stage.place, older_s=OLD_S)
    rows = await connection.execute("select store_id, order_id from fresh order by n")
    return [(store_id, order_id) for store_id, order_id in await rows.fetchall()]
