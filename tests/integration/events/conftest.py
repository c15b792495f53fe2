"""What tests of the worker share."""

from pideai_host.plugins.registry import new_manager


async def bring(way, shop, count=1):
    """Bring an order.updated, which needs no completion, or more of them."""
    for _ in range(count):
        order_id, _ = await shop.insert()
        await way.door.receive(await shop.move(order_id, "confirmed"))


async def run_until(way, condition, until):
    """Have a worker at work until a query has rows."""
    worker = way.worker()
    await worker.start()
    await until(lambda: way.rows(condition))
    await worker.stop()


def rebuilt(probe):
    """What `Registry` is made anew of when a test has changed the probe's definition."""
    manager = new_manager()
    manager.register(probe, name="probe")
    return manager, {"probe": probe.definition}
