"""What PideAI does: stores that install plugins, orders, and the doors that their changes come in by."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg

from pideai_host.db.dev import create_demo_store
from pideai_host.db.pool import Pool
from pideai_host.events.changes import ChangeReader
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.identity import delivery_id
from pideai_host.events.intake import Intake
from pideai_host.events.rows import read_change
from pideai_host.outgoing.client import make_client
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import load_registry
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.wire import InstallIn
from rig.receiver import Receiver
from rig.waiting import PATIENCE_S

BRIDGE = "webhook-bridge"
ORDER_CREATED = "order.created"
MASTER_KEY = b"k" * 32
WEBHOOK_SECRET = "the-database-webhook's-secret"
LOOPBACK = ip_network("127.0.0.0/8")

_PLACE = """
with placed as (
  insert into public.orders
    (id, store_id, customer_name, customer_email, customer_phone, total_amount, order_type)
  select gen_random_uuid(), %(store)s, %(customer)s, 'ana@example.com', '04141234567', 10.50, 'pickup'
  from generate_series(1, %(count)s)
  returning *
),
filled as (
  insert into public.order_items (order_id, menu_item_id, item_name, quantity, price_at_time)
  select p.id, (select m.id from public.menu_items m where m.store_id = %(store)s limit 1), 'Arepa', 1, 10.50
  from placed p
)
select jsonb_build_object('type', 'INSERT', 'table', 'orders', 'schema', 'public',
                          'record', to_jsonb(placed), 'old_record', null)::text
from placed
"""

_MOVE = """
with before as materialized (select * from public.orders where id = %(order)s),
moved as (update public.orders set status = %(status)s where id = %(order)s returning *)
select jsonb_build_object('type', 'UPDATE', 'table', 'orders', 'schema', 'public',
                          'record', to_jsonb(moved), 'old_record', to_jsonb(before))::text
from moved, before
"""


class Shop:
    """The stores of a test.

    Attributes:
        accepted: Event -> its store and type, of all that the host took in.
        installations: Store -> its installations with what they subscribe to.
        refusals: The statuses of answers that were no 202.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any], pool: Pool, receiver: Receiver, port: int) -> None:
        self.connection = connection
        self.store_id = UUID(int=0)
        self.accepted: dict[UUID, tuple[UUID, str]] = {}
        self.installations: dict[UUID, dict[UUID, Collection[str]]] = {}
        self.refusals: list[int] = []
        self._pool = pool
        self._receiver = receiver
        self._url = f"http://127.0.0.1:{port}/webhooks/supabase"

    async def open_store(self, name: str, **wanted: Any) -> UUID:
        """Make a store with the bridge, to the receiver's address of its own; the first one is `store_id`."""
        store_id = await create_demo_store(self.connection, owner_id=uuid4(), subdomain=name, name=name)
        await self.install(BRIDGE, store_id=store_id, **wanted)
        if not self.store_id.int:
            self.store_id = store_id
        return store_id

    async def install(self, *slugs: str, store_id: UUID | None = None, **wanted: Any) -> None:
        store_id = store_id or self.store_id
        registry = load_registry(slugs)
        await sync_catalogue(self.connection, registry.definitions.values())
        sealer = Sealer([("k1", MASTER_KEY)])
        http, runner = make_client(allow=(LOOPBACK,)), HookRunner()
        contexts = ContextFactory(self._pool, http, sealer, {})
        lifecycle = Lifecycle(self._pool, registry, runner, contexts, sealer, allow=(LOOPBACK,))
        for slug in slugs:
            url = self._receiver.hook(store_id) if slug == BRIDGE else None
            made = await lifecycle.install(store_id, slug, InstallIn(webhook_url=url, **wanted))
            self.installations.setdefault(store_id, {})[made.id] = registry.definitions[slug].subscribed_events
        await http.aclose()
        await runner.aclose()

    async def place(self, count: int, *, store_id: UUID | None = None, customer: str = "Ana") -> list[bytes]:
        """Write orders with their items as the storefront does; return the bodies of their database webhooks."""
        cursor = await self.connection.execute(
            _PLACE, {"store": store_id or self.store_id, "customer": customer, "count": count}
        )
        return [row[0].encode() for row in await cursor.fetchall()]

    async def move(self, order_id: UUID, status: str) -> list[bytes]:
        """Move an order on as the storefront does; return the body of its database webhook."""
        cursor = await self.connection.execute(_MOVE, {"order": order_id, "status": status})
        return [row[0].encode() for row in await cursor.fetchall()]

    @asynccontextmanager
    async def trade(self) -> AsyncIterator[None]:
        """Sell while the block runs, five orders every tenth of a second; at its end each has got its 202."""
        closing = asyncio.Event()
        selling = asyncio.create_task(self._sell(closing))
        try:
            yield
        finally:
            closing.set()
            await asyncio.wait_for(selling, PATIENCE_S)

    async def _sell(self, closing: asyncio.Event) -> None:
        posting = []
        while not closing.is_set():
            posting.append(asyncio.create_task(self.post(await self.place(5))))
            await asyncio.sleep(0.1)
        await asyncio.gather(*posting)

    async def post(self, bodies: list[bytes]) -> None:
        """Post bodies to the host, each until it gets its 202."""
        limits = httpx.Limits(max_connections=16)
        async with httpx.AsyncClient(trust_env=False, timeout=20.0, limits=limits) as client:
            await asyncio.gather(*(self._post(client, body) for body in bodies))

    async def _post(self, client: httpx.AsyncClient, body: bytes) -> None:
        headers = {"X-PideAI-Webhook-Secret": WEBHOOK_SECRET, "Content-Type": "application/json"}
        while True:
            try:
                answer = await client.post(self._url, content=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code == 202:
                break
            assert answer.status_code >= 500, answer.text
            self.refusals.append(answer.status_code)
            await asyncio.sleep(0.1)
        self._note(body, [UUID(one) for one in answer.json()["event_ids"]])

    async def bring(self, count: int, **about: Any) -> list[UUID]:
        """Bring new orders in without a serving process and without a word to any worker; return their deliveries."""
        return await self.bring_in(await self.place(count, **about))

    async def bring_in(self, bodies: list[bytes]) -> list[UUID]:
        """Bring changes in as `bring` does."""
        directory = StoreDirectory(self._pool, monotonic=time.monotonic)
        intake = Intake(self._pool, directory, on_lanes=lambda _: None)
        reader = ChangeReader(directory, now=lambda: datetime.now(UTC))
        made = []
        for body in bodies:
            events = await reader.events_of(read_change(body), source="webhook")
            async with self._pool.connection() as connection:
                await intake.store(events, connection)
            for event in events:
                made += self.accept(event.id, event.store_id, event.type)
        return made

    def expected(self) -> set[UUID]:
        """Return the deliveries that have to be: one for each accepted event and each installation that wants it."""
        return {made for event_id in self.accepted for made in self.deliveries_of(event_id)}

    def deliveries_of(self, event_id: UUID) -> list[UUID]:
        store_id, event_type = self.accepted[event_id]
        wanting = [one for one, types in self.installations[store_id].items() if event_type in types]
        return [delivery_id(event_id, one) for one in wanting]

    def accept(self, event_id: UUID, store_id: UUID, event_type: str = ORDER_CREATED) -> list[UUID]:
        """Note an event that has to be kept; return its deliveries."""
        self.accepted[event_id] = store_id, event_type
        return self.deliveries_of(event_id)

    def _note(self, body: bytes, event_ids: list[UUID]) -> list[UUID]:
        store_id = UUID(body.decode().split('"store_id": "')[1][:36])
        return [made for event_id in event_ids for made in self.accept(event_id, store_id)]
