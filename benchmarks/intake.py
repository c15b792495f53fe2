"""Intake: durable 202s a second, their latency and their cost, beside a bare handler with the same three writes."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from benchmarks.figures import Figure, compared
from benchmarks.harness import Bench
from benchmarks.load import Outcome
from benchmarks.meter import Spent, spent_figures
from benchmarks.places import Place, scalar
from benchmarks.ports import free_port, wait_until_answering
from benchmarks.processes import BenchmarkFailed, Process

CONNECTIONS: Final = 64
WARM_UP_S: Final = 2.0

BARE_RESET: Final = "truncate events, deliveries, pgmq.q_webhooks"
BARE_COUNTS: Final = """select array[(select count(*) from events), (select count(*) from deliveries),
    (select count(*) from pgmq.q_webhooks)]"""


class Side(msgspec.Struct, frozen=True):
    """A server under load, and what became of it in the database.

    Attributes:
        stores: Whose orders come.
        clear: Removes what a round has left.
        counts: Counts events, deliveries and messages of the round.
    """

    process: Process
    port: int
    stores: Sequence[UUID]
    clear: Callable[[], Awaitable[None]]
    counts: Callable[[], Awaitable[list[int]]]


class Round(msgspec.Struct, frozen=True):
    """One run of the load, and the cost of one event in it."""

    outcome: Outcome
    spent: Spent


async def run(bench: Bench) -> list[Figure]:
    """Measure intake."""
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(host_side(bench, bench.host))
        bare = await stack.enter_async_context(bare_side(bench))
        rounds = [(await measure(bench, host), await measure(bench, bare)) for _ in range(bench.options.rounds)]
    ours, theirs = zip(*rounds, strict=True)
    return [
        *outcome_figures("intake", [one.outcome for one in ours], [one.outcome for one in theirs]),
        *spent_figures("intake", "event", [one.spent for one in ours], [one.spent for one in theirs]),
    ]


def outcome_figures(name: str, ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> list[Figure]:
    """Report what clients saw of both sides."""

    def figure(suffix: str, unit: str, field: str) -> Figure:
        mine, other = ([getattr(one, field) for one in side] for side in (ours, theirs))
        return compared(f"{name}.{suffix}", unit, mine, other)

    return [
        figure("rate", "requests/s", "rate"),
        figure("p50", "ms", "p50_ms"),
        figure("p99", "ms", "p99_ms"),
    ]


async def measure(bench: Bench, side: Side) -> Round:
    """Put a side under load for a round.

    Raises:
        BenchmarkFailed: something was refused, or what was accepted is not what is in the database.
    """
    await side.clear()
    meter = bench.meter(side.process)
    numbers = (side.port, bench.webhook_secret, CONNECTIONS, WARM_UP_S, bench.options.seconds, sys.maxsize)
    async with bench.process("load", "-m", "benchmarks.load", *map(str, numbers), *map(str, side.stores)) as load:
        await load.line()
        before = await meter.read()
        outcome = msgspec.json.decode(await load.line(), type=Outcome)
        spent = (await meter.read()).since(before)
    found = await side.counts()
    if outcome.refused or found != [outcome.accepted] * 3:
        raise BenchmarkFailed(f"{outcome.accepted} accepted, {outcome.refused} refused, but rows are {found}")
    return Round(outcome, spent.each(outcome.measured))


@asynccontextmanager
async def host_side(
    bench: Bench, place: Place, environ: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Side]:
    """Serve a database of the host, its worker left out."""
    port = free_port()
    environ = {"PIDEAI_HOST": "127.0.0.1", "PIDEAI_PORT": str(port), **environ}
    async with bench.host_process("serve", place, "serve", "--no-worker", **environ) as process:
        await wait_until_answering(port, process)
        stores = [target.store_id for target in place.targets]
        yield Side(process, port, stores, place.clear, place.counts)


@asynccontextmanager
async def bare_side(bench: Bench) -> AsyncIterator[Side]:
    """Serve the bare pipeline."""
    port = free_port()
    arguments = ("-m", "benchmarks.bare.intake", str(port))

    async def clear() -> None:
        await bench.bare.execute(BARE_RESET)
        await bench.bare.execute("checkpoint")

    async def counts() -> Any:
        return await scalar(bench.bare, BARE_COUNTS)

    async with bench.process("bare-intake", *arguments, BARE_SECRET=bench.webhook_secret) as process:
        await wait_until_answering(port, process)
        yield Side(process, port, [bench.target.store_id], clear, counts)
