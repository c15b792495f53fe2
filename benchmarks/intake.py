"""Intake: durable 202s a second, their latency and their CPU, beside a bare handler with the same three writes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks.figures import Figure, compared
from benchmarks.harness import Bench, free_port, scalar, wait_until_answering
from benchmarks.load import Outcome
from benchmarks.machine import cpu_s
from benchmarks.processes import BenchmarkFailed, Process

CONNECTIONS: Final = 64
WARM_UP_S: Final = 2.0

HOST_RESET: Final = (
    """truncate public.plugin_events, public.plugin_events_log, pideai_host.event_ids, pgmq.q_pideai_webhook_bridge"""
)
HOST_COUNTS: Final = """select array[(select count(*) from public.plugin_events),
    (select count(*) from public.plugin_events_log), (select count(*) from pgmq.q_pideai_webhook_bridge)]"""
BARE_RESET: Final = "truncate events, deliveries, pgmq.q_webhooks"
BARE_COUNTS: Final = """select array[(select count(*) from events), (select count(*) from deliveries),
    (select count(*) from pgmq.q_webhooks)]"""


class Side(msgspec.Struct, frozen=True):
    """A server under load, and where its rows go."""

    process: Process
    port: int
    database: AsyncConnection[TupleRow]
    reset: str
    counts: str


class Round(msgspec.Struct, frozen=True):
    """One run of the load."""

    outcome: Outcome
    cpu_ms: float


async def run(bench: Bench) -> list[Figure]:
    """Measure intake."""
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(_host(bench))
        bare = await stack.enter_async_context(_bare(bench))
        rounds = [(await _round(bench, host), await _round(bench, bare)) for _ in range(bench.options.rounds)]
    ours, theirs = zip(*rounds, strict=True)

    def figure(name: str, unit: str, field: str) -> Figure:
        mine, other = ([getattr(one.outcome, field) for one in side] for side in (ours, theirs))
        return compared(name, unit, mine, other)

    return [
        figure("intake.rate", "requests/s", "rate"),
        figure("intake.p50", "ms", "p50_ms"),
        figure("intake.p99", "ms", "p99_ms"),
        compared("intake.cpu", "ms/event", [one.cpu_ms for one in ours], [one.cpu_ms for one in theirs]),
    ]


async def _round(bench: Bench, side: Side) -> Round:
    await _reset(side.database, side.reset)
    roots = (side.process.pid, bench.postgres_pid)
    load = bench.process(
        "load",
        "-m",
        "benchmarks.load",
        *map(str, (side.port, bench.store_id, bench.webhook_secret, CONNECTIONS, WARM_UP_S, bench.options.seconds)),
    )
    async with load:
        await load.line()
        before_s = cpu_s(*roots)
        outcome = msgspec.json.decode(await load.line(), type=Outcome)
        spent_s = cpu_s(*roots) - before_s
    found = await scalar(side.database, side.counts)
    if outcome.refused or found != [outcome.accepted] * 3:
        raise BenchmarkFailed(f"{outcome.accepted} accepted, {outcome.refused} refused, but rows are {found}")
    return Round(outcome, spent_s / outcome.measured * 1_000)


async def _reset(connection: AsyncConnection[TupleRow], statement: str) -> None:
    """Empty a side's tables, and have what is still to be written written now."""
    await connection.execute(statement.encode())
    await connection.execute("checkpoint")


@asynccontextmanager
async def _host(bench: Bench) -> AsyncIterator[Side]:
    port = free_port()
    arguments = ("-m", "pideai_host", "serve", "--no-worker")
    async with bench.process("serve", *arguments, PIDEAI_HOST="127.0.0.1", PIDEAI_PORT=str(port)) as process:
        await wait_until_answering(port, process)
        yield Side(process, port, bench.host, HOST_RESET, HOST_COUNTS)


@asynccontextmanager
async def _bare(bench: Bench) -> AsyncIterator[Side]:
    port = free_port()
    arguments = ("-m", "benchmarks.bare.intake", str(port))
    async with bench.process("bare-intake", *arguments, BARE_SECRET=bench.webhook_secret) as process:
        await wait_until_answering(port, process)
        yield Side(process, port, bench.bare, BARE_RESET, BARE_COUNTS)
