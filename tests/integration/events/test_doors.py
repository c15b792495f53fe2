"""Three doors, one event: whatever comes through them, in any order and any number of times, happened once."""

import asyncio
from datetime import UTC, datetime
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pideai_host.events import triggers
from pideai_host.events.capture import CaptureDoor
from pideai_host.events.changes import ChangeReader
from pideai_host.events.identity import event_id
from pideai_host.events.sources import TYPE_OF_STATUS
from pideai_host.events.sweep import Sweep

STATUSES = ["confirmed", "preparing", "ready", "out_for_delivery", "delivered", "cancelled"]
STEPS = st.lists(st.sampled_from(STATUSES), max_size=4).map(lambda steps: [status for status, _ in groupby(steps)])
DOORS = st.lists(st.one_of(st.sampled_from(["capture", "sweep"]), st.integers(0, 4)), max_size=12)
"""What happens afterwards: a door is opened, or the webhook of the nth change arrives."""


def types_of(steps: list[str]) -> list[str]:
    """Every event of an order that goes through these steps."""
    types = ["order.created"]
    for status in steps:
        types += ["order.updated", "order.status_changed", *filter(None, [TYPE_OF_STATUS.get(status)])]
    return sorted(types)


@pytest.mark.usefixtures("installation")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, opened=DOORS, during=st.sampled_from(["capture", "sweep", "none"]))
async def test_a_change_is_one_event_and_one_delivery_through_any_doors(way, shop, steps, opened, during):
    reader = ChangeReader(way.directory, now=lambda: datetime.now(UTC))
    doors = {
        "capture": CaptureDoor(way.pool, reader, way.intake).take,
        "sweep": Sweep(way.pool, reader, way.intake).run,
    }
    await triggers.enable(shop.connection, "orders")
    order_id, body = await shop.insert()
    bodies = [body]
    for status in steps:
        bodies.append(await shop.move(order_id, status))
        if during != "none":
            await doors[during]()

    webhooks = [bodies[one % len(bodies)] for one in opened if isinstance(one, int)]
    await asyncio.gather(
        *(way.door.receive(body) for body in webhooks), *(doors[one]() for one in opened if isinstance(one, str))
    )
    await asyncio.gather(doors["capture"](), doors["sweep"]())
    await doors["capture"]()

    rows = await way.rows(
        """select e.id, e.type, count(d.id) from public.plugin_events e
        left join public.plugin_events_log d on d.event_id = e.id
        where e.entity_id = %s group by e.id, e.type order by e.type""",
        str(order_id),
    )
    assert [row[1] for row in rows] == types_of(steps)
    assert {row[2] for row in rows if row[1] in {"order.created", "order.updated", "order.ready"}} == {1}
    assert event_id("public.orders", str(order_id), "order.created") in {row[0] for row in rows}
    assert await way.rows("select reason from pideai_host.quarantine") == []


@pytest.mark.usefixtures("installation")
async def test_all_doors_at_once_for_many_orders_make_each_event_once(way, shop):
    reader = ChangeReader(way.directory, now=lambda: datetime.now(UTC))
    captures = [CaptureDoor(way.pool, reader, way.intake) for _ in range(2)]
    sweeps = [Sweep(way.pool, reader, way.intake) for _ in range(2)]
    await triggers.enable(shop.connection, "orders")
    bodies = [(await shop.insert())[1] for _ in range(40)]
    await asyncio.gather(
        *(way.door.receive(body) for body in bodies), *(one.take() for one in captures), *(one.run() for one in sweeps)
    )

    assert await way.rows(
        "select (select count(*) from public.plugin_events), (select count(*) from public.plugin_events_log)"
    ) == [(40, 40)]
