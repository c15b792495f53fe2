"""A store's own eyes: posts its orders' webhooks at an even pace, receives what is delivered, and compares the clocks.

Run as a process of its own: `python -m benchmarks.probe` with a `Plan` as JSON behind it. Writes ``listening``
when it does, begins when it reads a line, and at the end writes one line of JSON, see `Seen`. An order counts from the
moment at which it was due to be posted, so that a host that is late in taking it in does not look better. The second
one is posted when the first one has arrived: who delivers may still be starting.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import ClassVar, Final
from uuid import UUID

import aiohttp
import msgspec
import uvloop

from benchmarks import phone
from benchmarks.orders import PLACEHOLDER, change_body
from benchmarks.sink import Sink

ORDER_ID: Final = b'"orderId":"'
ID_CHARS: Final = 36
TIMEOUT_S: Final = 15.0
LOOK_S: Final = 0.05


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to post, and what to look at.

    Attributes:
        url: Of the host's webhook.
        secret: Opens it.
        port: Where this process receives.
        orders: Store and order of each, in their turn.
        per_s: Orders a second.
        warm: So many do not count.
        patience_s: How long to wait for the last one after all are posted. 0: for none, nothing is received here.
        by_phone: What is received are the messages of the orders, as Evolution gets them, and not their webhooks.
    """

    url: str
    secret: str
    port: int
    orders: Sequence[tuple[UUID, UUID]]
    per_s: float
    warm: int = 0
    patience_s: float = 30.0
    by_phone: bool = False


class Seen(msgspec.Struct, frozen=True):
    """What the store saw.

    Attributes:
        refused: Posts not answered 202.
        missing: Orders accepted that were not delivered in time.
        again: Messages of orders that had one already; of webhooks none are counted, they are told apart by their ids.
        took_s: From the first post to the last arrival.
        p50_ms: From the post to its arrival, the median.
        p99_ms: What one in a hundred exceeded.
    """

    refused: int
    missing: int
    p50_ms: float
    p99_ms: float
    again: int = 0
    took_s: float = 0.0


class Receiver(Sink):
    """Notes when the webhook of an order arrives first."""

    arrived_s: ClassVar[dict[bytes, float]] = {}

    def take(self, head: bytes, body: bytes) -> bytes:
        start = body.find(ORDER_ID) + len(ORDER_ID)
        self.arrived_s.setdefault(body[start : start + ID_CHARS], perf_counter())
        return super().take(head, body)


async def run(plan: Plan) -> None:
    """Receive, post, sum up."""
    receives = phone.Phone if plan.by_phone else Receiver
    server = await asyncio.get_running_loop().create_server(receives, "127.0.0.1", plan.port, backlog=1_024)
    print("listening", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    async with server, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as http:
        print(msgspec.json.encode(await _probe(plan, http)).decode(), flush=True)


async def _probe(plan: Plan, http: aiohttp.ClientSession) -> Seen:
    headers = {"X-PideAI-Webhook-Secret": plan.secret, "Content-Type": "application/json"}
    bodies = {store_id: change_body(store_id) for store_id, _ in plan.orders}
    due_s: dict[bytes, float] = {}
    refused: set[bytes] = set()

    async def post(order: bytes, store_id: UUID) -> None:
        body = bodies[store_id].replace(str(PLACEHOLDER).encode(), order)
        try:
            async with http.post(plan.url, data=body, headers=headers) as answer:
                if answer.status != 202:
                    refused.add(order)
        except (aiohttp.ClientError, TimeoutError):
            refused.add(order)

    arrivals = Arrivals(by_phone=plan.by_phone)
    (first_store, first), *others = [(store_id, str(order_id).encode()) for store_id, order_id in plan.orders]
    await post(first, first_store)
    await arrivals.wait_for({first}, plan.patience_s)
    began_s = perf_counter()
    async with asyncio.TaskGroup() as posts:
        for n, (store_id, order) in enumerate(others):
            due_s[order] = began_s + n / plan.per_s
            await asyncio.sleep(max(0.0, due_s[order] - perf_counter()))
            posts.create_task(post(order, store_id))
    await arrivals.wait_for(due_s.keys() - refused, plan.patience_s)
    seen = summed_up(list(due_s.items())[plan.warm :], refused, arrivals.of(due_s))
    return msgspec.structs.replace(
        seen, again=len(phone.Phone.again), took_s=max(arrivals.of(due_s).values(), default=began_s) - began_s
    )


class Arrivals:
    """When orders arrived, as webhooks or as messages."""

    def __init__(self, *, by_phone: bool) -> None:
        self._by_phone = by_phone

    def of(self, orders: Iterable[bytes]) -> dict[bytes, float]:
        """Return when those of some orders came that did."""
        keys = {order: phone.number_of(order) if self._by_phone else order for order in orders}
        came_s = phone.Phone.arrived_s if self._by_phone else Receiver.arrived_s
        return {order: came_s[key] for order, key in keys.items() if key in came_s}

    async def wait_for(self, orders: set[bytes], patience_s: float) -> None:
        """Wait until all of some orders have arrived, within bounds."""
        until_s = perf_counter() + patience_s
        while True:
            if len(self.of(orders)) == len(orders) or perf_counter() >= until_s:
                return
            await asyncio.sleep(LOOK_S)


def summed_up(due_s: Sequence[tuple[bytes, float]], refused: set[bytes], arrived_s: dict[bytes, float]) -> Seen:
    """Compare when orders were due with when they arrived; what never did counts as later than all others."""
    orders = [(order, at_s) for order, at_s in due_s if order not in refused]
    took_s = sorted(arrived_s.get(order, float("inf")) - at_s for order, at_s in orders)
    return Seen(
        refused=len(due_s) - len(orders),
        missing=sum(order not in arrived_s for order, _ in orders),
        p50_ms=took_s[len(took_s) // 2] * 1_000,
        p99_ms=took_s[len(took_s) * 99 // 100] * 1_000,
    )


if __name__ == "__main__":
    uvloop.run(run(msgspec.json.decode(sys.argv[1], type=Plan)))
