"""Delivery: signed webhooks a second from a standing backlog, and their cost, beside a bare claim-POST-settle loop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from time import perf_counter
from types import MappingProxyType
from typing import Any, Final

import msgspec

from benchmarks import orders, seed
from benchmarks.figures import Figure, compared
from benchmarks.fill.stores import add_stores
from benchmarks.harness import LOOK_S, Bench
from benchmarks.intake import BARE_RESET
from benchmarks.meter import Spent, spent_figures
from benchmarks.places import Place, scalar
from benchmarks.processes import BenchmarkFailed, Process
from benchmarks.sink import Counts
from pideai_host.db.sql import load, query

DRAIN_LIMIT_S: Final = 120.0
STORES: Final = 50
"""So many that none has more than its share of the main lane."""
WARM_SHARE: Final = 10
"""Rate and cost count from one part in so many on: start and warm-up show in neither."""

BARE_LEFT: Final = "select count(*) from deliveries where status <> 'delivered'"
_BARE_SEED: Final = query(load("benchmarks", "sql/bare_seed.sql"))


class Side(msgspec.Struct, frozen=True):
    """A way out.

    Attributes:
        seed: Makes its backlog.
        left: Counts what is left of it.
        worker: Prepares what works it off.
        beside: What runs anyway and takes part in it.
    """

    seed: Callable[[], Awaitable[None]]
    left: Callable[[], Awaitable[int]]
    worker: Callable[[], Process]
    beside: Sequence[Process] = ()


class Drained(msgspec.Struct, frozen=True):
    """One backlog worked off, and the cost of one delivery of it."""

    rate: float
    spent: Spent


async def run(bench: Bench) -> list[Figure]:
    """Measure delivery: payloads complete, payloads still to be completed, of many stores, and with two workers."""
    host, completing = host_side(bench, bench.host), host_side(bench, bench.host, complete=False)
    bare = bare_side(bench)
    complete, fuller, spread, doubled = [], [], [], []
    async with bench.copy("many_stores") as place:
        many = host_side(bench, msgspec.structs.replace(place, targets=await add_stores(bench, place, STORES)))
        for _ in range(bench.options.rounds):
            theirs = await drain(bench, bare)
            complete.append((await drain(bench, host), theirs))
            fuller.append((await drain(bench, completing), theirs))
            spread.append((await drain(bench, many), theirs))
            doubled.append((await drain(bench, host, workers=2), await drain(bench, bare, workers=2)))
    alone, two = [ours.rate for ours, _ in complete], [ours.rate for ours, _ in doubled]
    return [
        *drained_figures("delivery", complete),
        *drained_figures("delivery.with_items_to_read", fuller),
        *drained_figures("delivery.many_stores", spread),
        *drained_figures("delivery.two_workers", doubled),
        compared("delivery.two_workers.against_one", "webhooks/s", two, alone),
    ]


def drained_figures(name: str, pairs: Sequence[tuple[Drained, Drained]]) -> list[Figure]:
    """Report backlogs worked off by both sides."""
    ours, theirs = zip(*pairs, strict=True)
    return [
        compared(f"{name}.rate", "webhooks/s", [one.rate for one in ours], [one.rate for one in theirs]),
        *spent_figures(name, "delivery", [one.spent for one in ours], [one.spent for one in theirs]),
    ]


async def drain(
    bench: Bench, side: Side, *, workers: int = 1, received: Callable[[], Awaitable[Counts]] | None = None
) -> Drained:
    """Work a backlog off; from a tenth of it posted to its last row settled.

    Args:
        bench: Where.
        side: Whose.
        workers: How many processes.
        received: What the receiver has counted, by default ours.

    Raises:
        BenchmarkFailed: a delivery came twice, or not at all within `DRAIN_LIMIT_S`.
    """
    total, received = bench.options.backlog, received or bench.sink
    await side.seed()
    await bench.bare.execute("checkpoint")
    before = await received()

    async def posted() -> int:
        return (await received()).posts - before.posts

    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(side.worker()) for _ in range(workers)]
        meter = bench.meter(*started, *side.beside)
        async with asyncio.timeout(DRAIN_LIMIT_S):
            while (warm := await posted()) < total // WARM_SHARE:
                await _look_again(started)
            warm_at_s, so_far = perf_counter(), await meter.read()
            while await posted() < total or await side.left():
                await _look_again(started)
            seconds, spent = perf_counter() - warm_at_s, (await meter.read()).since(so_far)
    after = await received()
    arrived, distinct = after.posts - before.posts, after.distinct - before.distinct
    if (arrived, distinct) != (total, total):
        raise BenchmarkFailed(f"{total} deliveries, but {arrived} requests with {distinct} ids arrived")
    return Drained((total - warm) / seconds, spent.each(total - warm))


async def _look_again(started: list[Process]) -> None:
    for process in started:
        process.require_alive()
    await asyncio.sleep(LOOK_S)


def host_side(
    bench: Bench, place: Place, *, complete: bool = True, environ: Mapping[str, str] = MappingProxyType({})
) -> Side:
    """Deliver from a database of the host, by `pideai-host worker`."""

    async def fill() -> None:
        await place.clear()
        await seed.backlog(place, bench.options.backlog, complete=complete)

    return Side(fill, place.left, lambda: bench.host_process("worker", place, "worker", **environ))


def bare_side(bench: Bench) -> Side:
    """Deliver by the bare loop."""
    store_id = bench.target.store_id
    payload = orders.created_payload(store_id, with_items=True)
    parameters = {"count": bench.options.backlog, "store_id": store_id, "payload": payload}
    environ = {"BARE_SECRET": bench.hook_secret, "BARE_HOOK_URL": bench.sink_url}

    async def fill() -> None:
        await bench.bare.execute(BARE_RESET)
        await bench.bare.execute(_BARE_SEED, parameters)
        await bench.bare.execute("vacuum analyze")

    async def left() -> Any:
        return await scalar(bench.bare, BARE_LEFT)

    return Side(fill, left, lambda: bench.process("bare-delivery", "-m", "benchmarks.bare.delivery", **environ))
