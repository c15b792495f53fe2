"""Three doors, one event: whatever comes through them, in any order and any number of times, happened once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pideai_host.events import triggers
from pideai_host.events.capture import CaptureDoor
from pideai_host.events.changes import ChangeReader
from pideai_host.events.doors import WebhookDoor
from pideai_host.events.intake import Intake
from pideai_host.events.sources import TYPE_OF_STATUS
from pideai_host.events.sweep import Sweep

STATUSES = ["confirmed", "preparing", "ready", "out_for_delivery", "delivered", "cancelled"]
OF_SECOND = ("order.created", "order.status_changed", "order.completed", "customer.registered")

CHANGE = st.one_of(
    st.tuples(st.just("order"), st.integers(0, 1)),  # a customer's
    st.tuples(st.just("move"), st.integers(0, 3), st.sampled_from(STATUSES)),  # of one of the orders
)
OPENED = st.lists(st.one_of(st.sampled_from(["capture", "sweep"]), st.integers(0, 6)), min_size=1, max_size=4)
"""Doors opened at once; a number is the webhook of one of the changes so far, the newest is 0."""
STORY = st.lists(st.one_of(CHANGE, OPENED), max_size=14)


@pytest.fixture
def loaded(loaded, probe):
    """A second plugin that is told of other things."""
    second = type(probe)()
    second.definition = msgspec.structs.replace(probe.definition, slug="second", subscribed_events=OF_SECOND)
    return loaded | {"second": second}


@pytest.fixture
async def doors(way, shop):
    """Each door twice, as in two processes, for (name or body)."""
    await triggers.enable(shop.connection, "orders")
    reader = ChangeReader(way.directory, now=lambda: datetime.now(UTC))
    other = Intake(way.pool, way.directory, on_lanes=way.lanes.append)
    await other.start()
    both = {
        "capture": [CaptureDoor(way.pool, reader, one).take for one in (way.intake, other)],
        "sweep": [Sweep(way.pool, reader, one).run for one in (way.intake, other)],
        "webhook": [
            WebhookDoor(way.pool, way.directory, one, now=lambda: datetime.now(UTC)).receive
            for one in (way.intake, other)
        ],
    }

    async def open_all(opened):
        turns = Counter()
        calls = []
        for one in opened:
            name = one if isinstance(one, str) else "webhook"
            door = both[name][turns[name] % 2]
            turns[name] += 1
            calls.append(door() if isinstance(one, str) else door(one))
        await asyncio.gather(*calls)

    yield open_all
    await other.stop()


class Story:
    """What happened to the orders of two new customers, and the events that this makes."""

    def __init__(self, shop, customers):
        self._shop = shop
        self._customers = customers
        self._statuses = []
        self._registered = set()
        self.orders = []
        self.bodies = []
        self.events = Counter()

    async def order(self, customer):
        order_id, body = await self._shop.insert(customer_id=self._customers[customer])
        self.orders.append(order_id)
        self._statuses.append("pending")
        self._tell(order_id, body, "order.created")
        if self._customers[customer] not in self._registered:
            self._registered.add(self._customers[customer])
            self.events[order_id, "customer.registered"] += 1

    async def move(self, order, status):
        place = order % len(self.orders)
        if self._statuses[place] == status:
            return
        self._statuses[place] = status
        body = await self._shop.move(self.orders[place], status)
        own = TYPE_OF_STATUS.get(status)
        self._tell(self.orders[place], body, "order.updated", "order.status_changed", *([own] if own else []))

    def _tell(self, order_id, body, *types):
        self.bodies.append(body)
        self.events.update((order_id, str(one)) for one in types)


async def tell(shop, doors, story):
    customers = [uuid4(), uuid4()]
    for customer in customers:
        await shop.connection.execute(
            "insert into public.customers (id, name, email) values (%s, 'Ana', %s)",
            [customer, f"{customer}@example.com"],
        )
    told = Story(shop, customers)
    await told.order(0)
    for step in story:
        if isinstance(step, list):
            await doors([one if isinstance(one, str) else told.bodies[-1 - one % len(told.bodies)] for one in step])
        elif step[0] == "order":
            await told.order(step[1])
        else:
            await told.move(*step[1:])
    await doors(["capture", "sweep", "capture", "sweep"])
    await doors(["capture"])  # what was held by one that was at work already
    return told


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=STORY)
@example(story=[("order", 0), [0], [1], ("move", 0, "ready"), [0, "sweep", 0, "capture"]])
async def test_a_change_is_one_event_and_one_delivery_per_plugin_through_any_doors(way, shop, probe, doors, story):
    told = await tell(shop, doors, story)
    rows = await way.rows(
        """select e.entity_id::uuid, e.type,
          array(select replace(lane, '__bulk', '') from public.plugin_events_log d where d.event_id = e.id order by 1)
        from public.plugin_events e where e.entity_id = any (%s)""",
        [str(one) for one in told.orders],
    )
    subscribers = {"pideai_probe": probe.definition.subscribed_events, "pideai_second": OF_SECOND}

    assert Counter((order, kind) for order, kind, _ in rows) == told.events
    assert [lanes for _, _, lanes in rows] == [
        [lane for lane, types in subscribers.items() if kind in types] for _, kind, _ in rows
    ]
    assert await way.rows("select reason from pideai_host.quarantine") == []


async def test_all_doors_at_once_for_many_orders_make_each_event_once(way, shop, doors):
    bodies = [(await shop.insert())[1] for _ in range(40)]
    await doors([*bodies, "capture", "capture", "sweep", "sweep"])

    assert await way.rows(
        "select (select count(*) from public.plugin_events), (select count(*) from public.plugin_events_log)"
    ) == [(40, 80)]
