"""WhatsApp: from the webhook of an order to its confirmation at the provider, at an even pace and a thousand at once.

The whole way: taken in, kept, completed with its items, the store's facts read, a credit reserved, the text written,
the message claimed, handed to Evolution over HTTP on a connection of its own. Evolution answers at once.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from uuid import UUID

import msgspec

from benchmarks import phone, seed
from benchmarks.figures import Figure, alone
from benchmarks.fill.orders import place_orders
from benchmarks.harness import Bench
from benchmarks.meter import Meter, Spent
from benchmarks.places import Place, Target
from benchmarks.ports import free_port, wait_until_answering
from benchmarks.probe import Plan, Seen
from benchmarks.processes import BenchmarkFailed
from pideai_host.db.sql import load, query

PER_S: Final = 25.0
WARM: Final = 50
AT_ONCE: Final = 1_000
AT_ONCE_PER_S: Final = 1e6
"""All are due together."""
PATIENCE_S: Final = 120.0
OLD_S: Final = 86_400.0

_STORE: Final = query(load("benchmarks", "sql/fill_stores.sql"))
_LINK: Final = query(load("benchmarks", "sql/fill_whatsapp.sql"))
_CONFIG: Final = {"provider": "evolution", "confirmationOn": "created", "autoOrderConfirmation": True}


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A store that confirms its orders by WhatsApp.

    Attributes:
        serve_port: Where the host takes orders in.
        phone_port: Where Evolution is to be.
        meter: Of the host's two processes and PostgreSQL.
    """

    bench: Bench
    place: Place
    target: Target
    serve_port: int
    phone_port: int
    meter: Meter


async def run(bench: Bench) -> list[Figure]:
    """Measure an even pace and a rush, in turn."""
    even: list[Seen] = []
    rush: list[Seen] = []
    spent: list[Spent] = []
    async with _stage(bench) as stage:
        for _ in range(bench.options.rounds):
            even.append(await _measure(stage, round(bench.options.fair_s * PER_S) + WARM, per_s=PER_S, warm=WARM))
            before = await stage.meter.read()
            rush.append(await _measure(stage, AT_ONCE + 1, per_s=AT_ONCE_PER_S))
            spent.append((await stage.meter.read()).since(before).each(AT_ONCE + 1))
    return [
        alone("whatsapp.even.p50", "ms", [one.p50_ms for one in even]),
        alone("whatsapp.even.p99", "ms", [one.p99_ms for one in even]),
        alone("whatsapp.rush.p50", "ms", [one.p50_ms for one in rush]),
        alone("whatsapp.rush.p99", "ms", [one.p99_ms for one in rush]),
        alone("whatsapp.rush.rate", "messages/s", [AT_ONCE / one.took_s for one in rush]),
        alone("whatsapp.rush.cpu.processes", "us/message", [one.processes_us for one in spent]),
        alone("whatsapp.rush.cpu.postgres", "us/message", [one.postgres_us for one in spent]),
        alone("whatsapp.rush.wal", "bytes/message", [one.wal_bytes for one in spent]),
    ]


@asynccontextmanager
async def _stage(bench: Bench) -> AsyncIterator[Stage]:
    phone_port, serve_port = free_port(), free_port()
    environ = {
        "PIDEAI_PLUGIN_WHATSAPP_EVOLUTION_API_URL": f"http://127.0.0.1:{phone_port}",
        "PIDEAI_PLUGIN_WHATSAPP_EVOLUTION_API_KEY": "operator-key",
    }
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(bench.copy("whatsapp"))
        target = await _add_store(place)
        serve = bench.host_process(
            "serve", place, "serve", "--no-worker", PIDEAI_HOST="127.0.0.1", PIDEAI_PORT=str(serve_port), **environ
        )
        await wait_until_answering(serve_port, await stack.enter_async_context(serve))
        worker = await stack.enter_async_context(bench.host_process("worker", place, "worker", **environ))
        yield Stage(
            bench=bench,
            place=place,
            target=target,
            serve_port=serve_port,
            phone_port=phone_port,
            meter=bench.meter(serve, worker),
        )


async def _add_store(place: Place) -> Target:
    [(store_id,)] = await (await place.connection.execute(_STORE, {"count": 1})).fetchall()
    parameters = {"store_id": store_id, "mark": phone.MARK, "config": json.dumps(_CONFIG)}
    [(installation_id,)] = await (await place.connection.execute(_LINK, parameters)).fetchall()
    return Target(store_id, installation_id)


async def _measure(stage: Stage, count: int, *, per_s: float, warm: int = 0) -> Seen:
    """Post so many orders, and see each one's message come once."""
    bench = stage.bench
    plan = Plan(
        url=f"http://127.0.0.1:{stage.serve_port}/webhooks/supabase",
        secret=bench.webhook_secret,
        port=stage.phone_port,
        orders=await _orders(stage, count),
        per_s=per_s,
        warm=warm,
        patience_s=PATIENCE_S,
        by_phone=True,
    )
    async with bench.process("probe", "-m", "benchmarks.probe", msgspec.json.encode(plan).decode()) as probe:
        await probe.line()
        await probe.tell()
        seen = msgspec.json.decode(await probe.line(2 * PATIENCE_S), type=Seen)
    if seen.refused or seen.missing or seen.again:
        raise BenchmarkFailed(
            f"of {count} orders {seen.refused} were refused, {seen.missing} not confirmed, {seen.again} confirmed again"
        )
    return seen


async def _orders(stage: Stage, count: int) -> Sequence[tuple[UUID, UUID]]:
    """Write so many orders into the shop's tables, with their items; return store and order of each."""
    connection = stage.place.connection
    await seed.stage(connection, [stage.target], count)
    await place_orders(stage.place, older_s=OLD_S)
    rows = await connection.execute("select store_id, order_id from fresh order by n")
    return [(store_id, order_id) for store_id, order_id in await rows.fetchall()]
