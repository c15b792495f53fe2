"""`pideai-host whatsapp cutover` and `rollback` while orders come in: every change is announced, and by one side."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import psycopg

from pideai_host.events.capture import CaptureDoor
from pideai_host.events.changes import ChangeReader
from whatsapp_fakes.old_triggers import KIND_OF, place

FORWARD = ("confirmed", "preparing", "ready", "out_for_delivery", "delivered")


async def test_a_connected_store_sends_through_its_phone_from_the_first_change_on(
    working, call, store, host, shop, ask, evolution, operator, until
):
    await shop.connection.execute(
        """update public.store_plugins set config = '{"provider": "evolution", "confirmationOn": "confirmed"}'"""
    )
    door = CaptureDoor(working.pool, ChangeReader(working.directory, now=lambda: datetime.now(UTC)), working.intake)
    early, late = [await place(shop.connection, store) for _ in range(2)]
    await shop.connection.execute("update public.orders set status = 'confirmed' where id = %s", [early])
    said = await call("cutover", "--store", "arepas-probe", **operator, PIDEAI_HTTP_ALLOW="127.0.0.0/8")
    await shop.connection.execute("update public.orders set status = 'confirmed' where id = %s", [late])

    async def is_settled():
        await door.take()
        rows = await working.rows("select status from public.plugin_events_log where event_type <> 'order.created'")
        return len(rows) >= 2 and all(status != "pending" for (status,) in rows)

    await until(is_settled)
    orders = await working.rows("select order_id from public.whatsapp_messages")

    assert said.code == 0, said
    assert (orders, len(evolution.sent)) == ([(late,)], 1)
    assert await ask("select order_id, kind from net.calls") == [(early, "order_confirmation")]


async def go_forward(url: str, store_id: UUID, *, seed: int, stop: asyncio.Event) -> None:
    """Take orders through all their statuses, some in transactions that began long before they wrote."""
    chance = random.Random(seed)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while not stop.is_set():
            order = await place(connection, store_id)
            for status in FORWARD:
                async with connection.transaction():
                    await connection.execute("select now()")
                    await asyncio.sleep(chance.random() * 0.1 if chance.random() < 0.4 else 0.0)
                    await connection.execute("update public.orders set status = %s where id = %s", [status, order])
                await asyncio.sleep(chance.random() * 0.1)


async def test_while_orders_change_each_status_is_announced_exactly_once(
    working, call, store, host, database, ask, until
):
    """Over, back and over again, with six people at work: calls and messages are counted together."""
    door = CaptureDoor(working.pool, ChangeReader(working.directory, now=lambda: datetime.now(UTC)), working.intake)
    await door.start()
    stop = asyncio.Event()
    people = [asyncio.create_task(go_forward(database.admin_url, store, seed=one, stop=stop)) for one in range(6)]

    async def count():
        return (await ask("select count(*) from public.order_status_history"))[0][0]

    async def has_grown(before):
        return await count() > before + 60

    try:
        for arguments in (("cutover",), ("rollback", "--timeout-s", "0"), ("cutover",)):
            before = await count()
            await until(lambda before=before: has_grown(before))
            said = await call(*arguments, "--store", "arepas-probe")
            assert said.code == (1 if "rollback" in arguments else 0), said
    finally:
        stop.set()
        await asyncio.gather(*people)

    async def is_quiet():
        [[open_ones]] = await ask(
            """select (select count(*) from pideai_host.captured_changes)
                      + (select count(*) from public.plugin_events_log where status = 'pending')"""
        )
        return not open_ones

    await until(is_quiet)
    await door.stop()

    changes = Counter(
        (order, KIND_OF[status])
        for order, status in await ask(
            "select order_id, to_status from public.order_status_history where from_status is not null"
        )
    )
    by_triggers = Counter(await ask("select order_id, kind from net.calls"))
    by_host = Counter(
        await ask("select order_id, message_type from public.whatsapp_messages where status in ('sent', 'delivered')")
    )

    assert by_triggers + by_host == changes
    assert by_triggers
    assert by_host
