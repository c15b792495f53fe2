"""Flat: the rates of a database that is full against those of an empty one, side by side on one server.

Each kind of fullness for itself: a long history, much that is parked, many stores and installations, many plugins. The
load comes from so many stores that none has more than its share of the main lane.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final, TypeVar

import msgspec

from benchmarks import delivery, dists, intake
from benchmarks.figures import Figure, compared
from benchmarks.fill.history import add_history
from benchmarks.fill.parked import SHARES, add_parked
from benchmarks.fill.plugins import add_plugins
from benchmarks.fill.stores import add_stores, install
from benchmarks.harness import Bench
from benchmarks.places import Place
from benchmarks.ready import PLUGINS

Measured = TypeVar("Measured", intake.Round, delivery.Drained)

MEASURED_STORES: Final = 50
PARKED_STORES: Final = 10 * len(SHARES)
QUIET_EVENT: Final = "order.ready"
"""What plugins subscribe to that are installed beside the bridge: no order.created is for them."""


class Full(msgspec.Struct, frozen=True):
    """A database that was filled.

    Attributes:
        environ: What processes need to work on it, besides the database.
    """

    place: Place
    environ: Mapping[str, str] = {}


@asynccontextmanager
async def with_history(bench: Bench) -> AsyncIterator[Full]:
    """Fill in deliveries that are dealt with, of the stores that are measured."""
    async with _with_stores(bench, "history") as place:
        await add_history(place, bench.options.sizes.history, place.targets)
        yield Full(await _ready(place))


@asynccontextmanager
async def with_parked(bench: Bench) -> AsyncIterator[Full]:
    """Fill in deliveries of other stores that wait."""
    async with _with_stores(bench, "parked") as place:
        others = await add_stores(bench, place, PARKED_STORES)
        await add_parked(place, bench.options.sizes.parked, others)
        yield Full(await _ready(place))


@asynccontextmanager
async def with_installations(bench: Bench) -> AsyncIterator[Full]:
    """Fill in stores that have many plugins each; all of them are measured."""
    sizes = bench.options.sizes
    async with bench.copy("installations") as place:
        slugs = dists.numbered(sizes.plugins_each - 1)
        await add_plugins(place, slugs, event=QUIET_EVENT)
        stores = await add_stores(bench, place, sizes.stores)
        await install(place, slugs, stores)
        yield Full(await _ready(msgspec.structs.replace(place, targets=stores)))


@asynccontextmanager
async def with_plugins(bench: Bench) -> AsyncIterator[Full]:
    """Install plugins beside the host, each with its lanes; they subscribe, but no store has chosen them."""
    slugs = dists.numbered(bench.options.sizes.plugins - len(PLUGINS.split(",")))
    folder = bench.folder / "plugins"
    folder.mkdir()
    await asyncio.to_thread(dists.make, folder, slugs)
    async with _with_stores(bench, "plugins") as place:
        await add_plugins(place, slugs, event="order.created")
        environ = {"PYTHONPATH": dists.path_with(folder), "PIDEAI_PLUGINS": ",".join([PLUGINS, *slugs])}
        yield Full(await _ready(place), environ)


KINDS: Final[Mapping[str, Callable[[Bench], AbstractAsyncContextManager[Full]]]] = {
    "history": with_history,
    "parked": with_parked,
    "installations": with_installations,
    "plugins": with_plugins,
}


async def run(bench: Bench) -> list[Figure]:
    """Measure intake and delivery with each kind of fullness, and without any right before."""
    figures = []
    async with _with_stores(bench, "empty") as empty:
        beside = Full(await _ready(empty))
        for name, filled in KINDS.items():
            async with filled(bench) as full:
                figures += await _intake(bench, f"flat.{name}.intake", full, beside)
                figures += await _delivery(bench, f"flat.{name}.delivery", full, beside)
    return figures


@asynccontextmanager
async def _with_stores(bench: Bench, name: str) -> AsyncIterator[Place]:
    async with bench.copy(name) as place:
        stores = await add_stores(bench, place, MEASURED_STORES)
        yield msgspec.structs.replace(place, targets=stores)


async def _ready(place: Place) -> Place:
    """Leave a database as it is after some quiet days; what comes from now on can be told from what was there."""
    await place.connection.execute("vacuum (freeze, analyze)")
    await place.connection.execute("checkpoint")
    return msgspec.structs.replace(place, since=await place.now())


async def _intake(bench: Bench, name: str, full: Full, empty: Full) -> list[Figure]:
    async with AsyncExitStack() as stack:
        sides = [
            await stack.enter_async_context(intake.host_side(bench, one.place, one.environ)) for one in (empty, full)
        ]
        rounds = [[await intake.measure(bench, side) for side in sides] for _ in range(bench.options.rounds)]
    return [
        _against(f"{name}.rate", "requests/s", rounds, lambda one: one.outcome.rate),
        _against(f"{name}.p99", "ms", rounds, lambda one: one.outcome.p99_ms),
        _against(f"{name}.cpu", "us/event", rounds, lambda one: one.spent.cpu_us),
        _against(f"{name}.wal", "bytes/event", rounds, lambda one: one.spent.wal_bytes),
    ]


async def _delivery(bench: Bench, name: str, full: Full, empty: Full) -> list[Figure]:
    sides = [delivery.host_side(bench, one.place, environ=one.environ) for one in (empty, full)]
    rounds = [[await delivery.drain(bench, side) for side in sides] for _ in range(bench.options.rounds)]
    return [
        _against(f"{name}.rate", "webhooks/s", rounds, lambda one: one.rate),
        _against(f"{name}.cpu", "us/delivery", rounds, lambda one: one.spent.cpu_us),
        _against(f"{name}.wal", "bytes/delivery", rounds, lambda one: one.spent.wal_bytes),
    ]


def _against(name: str, unit: str, rounds: Sequence[Sequence[Measured]], value: Callable[[Measured], float]) -> Figure:
    return compared(name, unit, [value(full) for _, full in rounds], [value(empty) for empty, _ in rounds])
