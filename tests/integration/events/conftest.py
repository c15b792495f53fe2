"""What tests of the worker share."""

from pideai_host.plugins.registry import new_manager


async def bring(way, shop):
    """Bring one order.updated, which needs no completion."""
    order_id, _ = await shop.insert()
    await way.door.receive(await shop.move(order_id, "confirmed"))


def rebuilt(probe):
    """What `Registry` is made anew of when a test has changed the probe's definition."""
    manager = new_manager()
    manager.register(probe, name="probe")
    return manager, {"probe": probe.definition}
