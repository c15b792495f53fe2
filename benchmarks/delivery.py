"""Delivery: signed webhooks a second from a standing backlog, and their CPU, beside a bare claim-POST-settle loop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Final
from uuid import uuid4

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks import orders
from benchmarks.figures import Figure, compared
from benchmarks.harness import LOOK_S, Bench, scalar
from benchmarks.machine import cpu_s
from benchmarks.processes import BenchmarkFailed, Process
from pideai_host.api import EventType
from pideai_host.db.sql import load, query
from pideai_host.events import sources
from pideai_host.events.identity import delivery_id, event_id
from pideai_host.plugins.lanes import main_lane

DRAIN_LIMIT_S: Final = 120.0
WARM_SHARE: Final = 10
"""Rate and CPU count from one part in so many on: start and warm-up show in neither."""

HOST_RESET: Final = """truncate public.plugin_events, public.plugin_events_log, pideai_host.event_ids, public.orders,
    public.order_items, pgmq.q_pideai_webhook_bridge cascade"""
HOST_LEFT: Final = "select count(*) from public.plugin_events_log where status <> 'delivered'"
BARE_RESET: Final = "truncate events, deliveries, pgmq.q_webhooks"
BARE_LEFT: Final = "select count(*) from deliveries where status <> 'delivered'"

_HOST_SEED: Final = query(load("benchmarks", "sql/host_seed.sql"))
_HOST_ORDERS: Final = query(load("benchmarks", "sql/host_orders.sql"))
_BARE_SEED: Final = query(load("benchmarks", "sql/bare_seed.sql"))


class Side(msgspec.Struct, frozen=True):
    """A way out: how its backlog is made, what works it off, how to see that it is done."""

    database: AsyncConnection[TupleRow]
    seed: Callable[[], Awaitable[None]]
    left: str
    worker: Callable[[], Process]


class Drained(msgspec.Struct, frozen=True):
    """One backlog worked off."""

    rate: float
    cpu_ms: float


async def run(bench: Bench) -> list[Figure]:
    """Measure delivery: payloads complete, payloads still to be completed, and with two workers."""
    host = _host(bench, complete=True)
    completing = _host(bench, complete=False)
    bare = _bare(bench)
    complete, fuller, doubled = [], [], []
    for _ in range(bench.options.rounds):
        ours, theirs, more = await drain(bench, host), await drain(bench, bare), await drain(bench, completing)
        complete.append((ours, theirs))
        fuller.append((more, theirs))
        doubled.append((await drain(bench, host, workers=2), await drain(bench, bare, workers=2)))
    return [
        *_figures("delivery", complete),
        *_figures("delivery.with_items_to_read", fuller),
        *_figures("delivery.two_workers", doubled),
    ]


def _figures(name: str, pairs: list[tuple[Drained, Drained]]) -> list[Figure]:
    ours, theirs = zip(*pairs, strict=True)
    return [
        compared(f"{name}.rate", "webhooks/s", [one.rate for one in ours], [one.rate for one in theirs]),
        compared(f"{name}.cpu", "ms/delivery", [one.cpu_ms for one in ours], [one.cpu_ms for one in theirs]),
    ]


async def drain(bench: Bench, side: Side, *, workers: int = 1) -> Drained:
    """Work a backlog off; from a tenth of it posted to its last row settled.

    Raises:
        BenchmarkFailed: a delivery came twice, or not at all within `DRAIN_LIMIT_S`.
    """
    total = bench.options.backlog
    await side.seed()
    await side.database.execute("checkpoint")
    before = await bench.sink()

    async def posted() -> int:
        return (await bench.sink()).posts - before.posts

    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(side.worker()) for _ in range(workers)]
        pids = (bench.postgres_pid, *(process.pid for process in started))
        async with asyncio.timeout(DRAIN_LIMIT_S):
            while (warm := await posted()) < total // WARM_SHARE:
                await _look_again(started)
            warm_at_s, warm_cpu_s = perf_counter(), cpu_s(*pids)
            while await posted() < total or await scalar(side.database, side.left):
                await _look_again(started)
            seconds, spent_s = perf_counter() - warm_at_s, cpu_s(*pids) - warm_cpu_s
    after = await bench.sink()
    arrived, distinct = after.posts - before.posts, after.distinct - before.distinct
    if (arrived, distinct) != (total, total):
        raise BenchmarkFailed(f"{total} deliveries, but {arrived} requests with {distinct} ids arrived")
    return Drained((total - warm) / seconds, spent_s / (total - warm) * 1_000)


async def _look_again(started: list[Process]) -> None:
    for process in started:
        process.require_alive()
    await asyncio.sleep(LOOK_S)


def _host(bench: Bench, *, complete: bool) -> Side:
    seed = {
        "store_id": bench.store_id,
        "installation_id": bench.installation_id,
        "lane": main_lane("webhook-bridge"),
        "payload": orders.created_payload(bench.store_id, with_items=complete),
        "complete": complete,
    }
    items = [{"name": name, "quantity": quantity, "price": price} for name, quantity, price in orders.ITEMS]
    behind = {
        "total": orders.TOTAL,
        "delivery": orders.DELIVERY,
        "items": msgspec.json.encode(items).decode(),
    }

    async def fill() -> None:
        await bench.host.execute(HOST_RESET)
        await bench.host.execute(_HOST_SEED, {**seed, "fresh": _fresh(bench)})
        if not complete:
            # The shop's own triggers are none of the host's work.
            await bench.host.execute("set session_replication_role = replica")
            await bench.host.execute(_HOST_ORDERS, behind)
            await bench.host.execute("reset session_replication_role")
        await bench.host.execute("vacuum analyze")

    return Side(bench.host, fill, HOST_LEFT, lambda: bench.process("worker", "-m", "pideai_host", "worker"))


def _fresh(bench: Bench) -> str:
    """Make the ids of a backlog as intake makes them: the host's sweep would find orders without their events."""
    made = []
    for order in (uuid4() for _ in range(bench.options.backlog)):
        event = event_id(sources.ORDERS, str(order), EventType.ORDER_CREATED)
        made.append({"order_id": order, "event_id": event, "id": delivery_id(event, bench.installation_id)})
    return msgspec.json.encode(made).decode()


def _bare(bench: Bench) -> Side:
    payload = orders.created_payload(bench.store_id, with_items=True)
    seed = {"count": bench.options.backlog, "store_id": bench.store_id, "payload": payload}
    environ = {"BARE_SECRET": bench.hook_secret, "BARE_HOOK_URL": bench.sink_url}

    async def fill() -> None:
        await bench.bare.execute(BARE_RESET)
        await bench.bare.execute(_BARE_SEED, seed)
        await bench.bare.execute("vacuum analyze")

    return Side(
        bench.bare, fill, BARE_LEFT, lambda: bench.process("bare-delivery", "-m", "benchmarks.bare.delivery", **environ)
    )
