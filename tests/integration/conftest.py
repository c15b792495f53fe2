"""A store, a plugin that does what a test tells it, and the way of an event between them, on a real database.

shop      Shop: writes orders as the storefront does, and gives the webhook bodies of its changes
probe     ProbePlugin: `answers` is what handle_event does next, `calls` what it was called with
environ   what a process of the host needs to run on the test's database, and what this process has
port      a port that is free
way       Way: intake, door, queue and a worker (not started) for the probe, as the runtime role
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from pideai_host.api import Limits, PluginDefinition, PluginType, RetryPolicy, delivered, hookimpl
from pideai_host.db.dev import create_demo_store
from pideai_host.events.breaker_rows import BreakerRows
from pideai_host.events.breakers import Breakers
from pideai_host.events.complete import Completer
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.dispatch import Dispatcher
from pideai_host.events.doors import WebhookDoor
from pideai_host.events.installed import InstalledCopies
from pideai_host.events.intake import Intake
from pideai_host.events.ordering import Ordering
from pideai_host.events.quarantine_rows import QuarantineRows
from pideai_host.events.quarantines import Quarantines
from pideai_host.events.queue import Queue, Wanted
from pideai_host.events.rates import Rates
from pideai_host.events.settle import Settler
from pideai_host.events.traced import DeliveryTraces
from pideai_host.events.worker import Worker
from pideai_host.outgoing.client import make_client
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.plugins.traced import TracedRunner
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.installations import Installations
from pideai_host.stores.secrets import Sealer
from pideai_host.telemetry import tracing

LANE = "pideai_probe"
PATIENCE_S = 20.0


async def wait_until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """Wait until a condition holds and return what it returned; fails after `PATIENCE_S`."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await condition()
            if found:
                return found
            await asyncio.sleep(0.01)


@pytest.fixture
def environ(database: Any) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database.runtime_url,
        "ADMIN_DATABASE_URL": database.admin_url,
        "PIDEAI_MASTER_KEYS": "k1:" + "A" * 43 + "=",
    }


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
    return found


@pytest.fixture
def until():
    """Give tests `wait_until`."""
    return wait_until


class ProbePlugin:
    """Answers by the next of `answers`, delivered when none is left."""

    def __init__(self) -> None:
        self.definition = PluginDefinition(
            slug="probe",
            name="Probe",
            version="1",
            type=PluginType.INTEGRATION,
            subscribed_events=("order.created", "order.updated", "order.ready", "payment.completed"),
            retry=RetryPolicy(delays_s=(0.01, 0.01, 0.01), jitter=0.0),
            limits=Limits(timeout_s=5.0),
        )
        self.answers: list[Any] = []
        self.calls: list[Any] = []
        self.attempts: list[int] = []

    @hookimpl
    def plugin_definition(self):
        return self.definition

    @hookimpl
    async def handle_event(self, event, config, context):
        self.calls.append(event)
        self.attempts.append(context.delivery.attempt)
        answer = self.answers.pop(0) if self.answers else delivered()
        if callable(answer):
            answer = await answer(context)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@dataclass
class Shop:
    """Orders of one store, written through the owner's connection."""

    connection: psycopg.AsyncConnection
    store_id: UUID
    items: list[tuple[str, int, str]] = field(default_factory=lambda: [("Arepa", 2, "4.50"), ("Papelón", 1, "1.50")])

    async def insert(self, *, total: str = "10.50", order_id: UUID | None = None, **columns: Any) -> tuple[UUID, bytes]:
        order_id = order_id or uuid4()
        row = {
            "id": order_id,
            "store_id": self.store_id,
            "customer_name": "Ana",
            "customer_email": "ana@example.com",
            "customer_phone": "04141234567",
            "total_amount": total,
            "order_type": "pickup",
        } | columns
        names = ", ".join(row)
        values = ", ".join(f"%({name})s" for name in row)
        cursor = await self.connection.execute(
            f"""with placed as (insert into public.orders ({names}) values ({values}) returning *)
            select jsonb_build_object('type', 'INSERT', 'table', 'orders', 'schema', 'public',
                                      'record', to_jsonb(placed), 'old_record', null)::text from placed""",
            row,
        )
        return order_id, (await cursor.fetchone())[0].encode()

    async def add_items(self, order_id: UUID) -> None:
        await self.connection.execute(
            """insert into public.order_items (order_id, menu_item_id, item_name, quantity, price_at_time)
            select %(order)s, (select id from public.menu_items where store_id = %(store)s limit 1),
                   name, quantity, price
            from json_to_recordset(%(items)s::json) as i (name text, quantity int, price numeric)""",
            {
                "order": order_id,
                "store": self.store_id,
                "items": json.dumps([{"name": n, "quantity": q, "price": p} for n, q, p in self.items]),
            },
        )

    async def order(self) -> bytes:
        """Insert an order with its items and return the webhook body of the insert."""
        order_id, body = await self.insert()
        await self.add_items(order_id)
        return body

    async def move(self, order_id: UUID, status: str) -> bytes:
        cursor = await self.connection.execute(
            """with before as materialized (select * from public.orders where id = %(id)s),
            moved as (update public.orders set status = %(status)s where id = %(id)s returning *)
            select jsonb_build_object('type', 'UPDATE', 'table', 'orders', 'schema', 'public',
                                      'record', to_jsonb(moved), 'old_record', to_jsonb(before))::text
            from moved, before""",
            {"id": order_id, "status": status},
        )
        return (await cursor.fetchone())[0].encode()


@dataclass
class Way:
    """The way of an event, with what a test wants to look at."""

    pool: Any
    directory: StoreDirectory
    intake: Intake
    door: WebhookDoor
    queue: Queue
    settler: Settler
    dispatcher: Dispatcher
    completer: Completer
    installed: InstalledCopies
    breakers: Breakers
    registry: Registry
    lanes: list[set[str]]

    def worker(self, *, quarantined: Mapping[str, str] = MappingProxyType({}), cool_down_s: float = 900.0) -> Worker:
        return Worker(
            self.queue,
            dispatcher=self.dispatcher,
            completer=self.completer,
            settler=Settler(self.pool, self.intake),
            installed=self.installed,
            breakers=self.breakers,
            rates=Rates(self.pool),
            ordering=Ordering(self.pool),
            definitions=self.registry.definitions,
            quarantined=Quarantines(QuarantineRows(self.pool, cool_down_s=cool_down_s), own=quarantined),
            traces=None if tracing.active is None else DeliveryTraces(self.pool, tracing.active),
            now=lambda: datetime.now(UTC),
        )

    async def claim(self, count: int = 10, lease_s: int = 60) -> list[Any]:
        return await self.queue.claim([Wanted(LANE, count, lease_s)])

    async def rows(self, sql: str, *parameters: Any) -> list[Any]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(sql, parameters or None)).fetchall()

    async def log(self) -> list[Any]:
        return await self.rows(
            "select status, attempts, error_message from public.plugin_events_log order by created_at"
        )

    async def statuses(self) -> list[str]:
        return [row[0] for row in await self.log()]

    async def done(self, count: int = 1) -> list[Any]:
        """Wait until `count` deliveries are not pending any more, and return the log."""

        async def enough() -> Any:
            log = await self.log()
            return log if sum(row[0] != "pending" for row in log) >= count else None

        return await wait_until(enough)


@pytest.fixture
async def shop(admin_conn: psycopg.AsyncConnection) -> Shop:
    store_id = await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="arepas-probe", name="Arepas")
    return Shop(admin_conn, store_id)


@pytest.fixture
def probe() -> ProbePlugin:
    return ProbePlugin()


@pytest.fixture
def loaded(probe: ProbePlugin) -> dict[str, Any]:
    return {"probe": probe}


@pytest.fixture
def configs() -> dict[str, dict[str, Any]]:
    return {}


@pytest.fixture
def operator() -> dict[str, str]:
    """The operator's environment, for secrets of plugins."""
    return {}


@pytest.fixture
async def installation(shop: Shop, loaded: dict[str, Any], configs: dict[str, dict[str, Any]]) -> UUID:
    """The plugins in the catalogue, with their lanes, and installed in the shop's store; the id of the last one."""
    await sync_catalogue(shop.connection, [plugin.plugin_definition() for plugin in loaded.values()])
    made = None
    for slug in loaded:
        cursor = await shop.connection.execute(
            """insert into public.store_plugins (store_id, plugin_id, config)
            select %s, id, %s from public.plugins where slug = %s returning id""",
            (shop.store_id, json.dumps(configs.get(slug, {})), slug),
        )
        made = (await cursor.fetchone())[0]
    return made


@pytest.fixture
async def way(
    pool: Any, shop: Shop, loaded: dict[str, Any], operator: dict[str, str], installation: UUID
) -> AsyncIterator[Way]:
    async with AsyncExitStack() as stack:
        lanes: list[set[str]] = []
        directory = StoreDirectory(pool, monotonic=time.monotonic)
        intake = Intake(pool, directory, on_lanes=lanes.append)
        registry = Registry.of(loaded)
        runner = HookRunner() if tracing.active is None else TracedRunner(tracing.active)
        stack.push_async_callback(runner.aclose)
        http = make_client(allow=(ip_network("127.0.0.0/8"),))
        stack.push_async_callback(http.aclose)
        contexts = ContextFactory(pool, http, Sealer([("k1", bytes(32))]), operator)
        breakers = Breakers(BreakerRows(pool, heard_within_s=0.0))
        settler = Settler(pool, intake)
        await intake.start()
        stack.push_async_callback(intake.stop)
        await settler.start()
        stack.push_async_callback(settler.stop)
        yield Way(
            pool=pool,
            directory=directory,
            intake=intake,
            door=WebhookDoor(pool, directory, intake, now=lambda: datetime.now(UTC)),
            queue=Queue(pool),
            settler=settler,
            dispatcher=Dispatcher(registry, runner, contexts, breakers),
            completer=Completer(pool),
            installed=InstalledCopies(Installations(pool), registry),
            breakers=breakers,
            registry=registry,
            lanes=lanes,
        )


@pytest.fixture
async def working(way: Way) -> AsyncIterator[Way]:
    """The same, with its worker running."""
    worker = way.worker()
    await worker.start()
    yield way
    await worker.stop()
