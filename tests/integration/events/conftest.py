"""What tests of the worker share."""

from datetime import UTC, datetime

import msgspec

from pideai_host.events.dispatch import Dispatched
from pideai_host.events.settle import Settled, emitted_events, settlement_of
from pideai_host.events.suspects import Suspects
from pideai_host.events.verdict import Verdict
from pideai_host.plugins.registry import new_manager

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DELIVERED = Dispatched(Verdict(status="delivered", outcome="delivered", uses_attempt=True))


async def bring(way, shop, count=1):
    """Bring an order.updated, which needs no completion, or more of them."""
    for _ in range(count):
        order_id, _ = await shop.insert()
        await way.door.receive(await shop.move(order_id, "confirmed"))


async def settle(way, claimed, dispatched):
    """Have an outcome written; returns when it is, or when it is given up."""
    settled = Settled(
        lane=claimed.lane,
        plugin="probe",
        settlement=settlement_of(claimed, dispatched, at=NOW, worker="w"),
        outcome=dispatched.verdict.outcome,
        emitted=emitted_events(claimed, dispatched),
    )
    await way.settler.put(settled)


async def crash(way, claims):
    """Claim everything so many times; the last of three claims begins the first message, and nothing ends."""
    for _ in range(claims):
        claimed = await way.claim(lease_s=0)
    suspects = Suspects(way.queue, now=lambda: NOW, worker="w")
    return await suspects.has_crashed(claimed[0], begins_alone=True)


async def run_until(way, condition, until):
    """Have a worker at work until a query has rows."""
    worker = way.worker()
    await worker.start()
    await until(lambda: way.rows(condition))
    await worker.stop()


def limited(way, probe, **limits):
    """Have the probe allow other numbers of calls at once."""
    changed = msgspec.structs.replace(probe.definition.limits, **limits)
    probe.definition = msgspec.structs.replace(probe.definition, limits=changed)
    way.registry.__init__(*rebuilt(probe))


def rebuilt(probe):
    """What `Registry` is made anew of when a test has changed the probe's definition."""
    manager = new_manager()
    manager.register(probe, name="probe")
    return manager, {"probe": probe.definition}
