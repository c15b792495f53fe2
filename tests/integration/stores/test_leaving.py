"""What becomes of an installation and its deliveries when a plugin rests or leaves, whatever happens meanwhile."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from pideai_host.api import (
    PluginUnknown,
)
from pideai_host.events.delivery_log import DeliveryLog
from pideai_host.events.replay_write import Order, Place, replay_deliveries
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.wire import InstallIn, UpdateIn

KEY = "canary-key"


async def test_a_plugin_that_is_not_loaded_any_more_can_be_disabled_and_left_and_nothing_else(
    pool, sealer, installed, store_id, find
):
    gone = Lifecycle(pool, Registry.of({}), HookRunner(), ContextFactory(pool, None, sealer, {}), sealer)
    await gone.update(store_id, "courier", UpdateIn(enabled=False))

    for change in (UpdateIn(enabled=True), UpdateIn(config={}), UpdateIn(webhook_url=None)):
        with pytest.raises(PluginUnknown):
            await gone.update(store_id, "courier", change)
    await gone.uninstall(store_id, "courier")
    assert await find() is None


async def test_disabling_parks_what_is_queued_and_what_waits(lifecycle, installed, deliveries):
    made = [
        await deliveries.add(installed),
        await deliveries.add(installed, parked="retry"),
        await deliveries.add(installed, parked="wait"),
    ]

    await lifecycle.update(installed.store_id, "courier", UpdateIn(enabled=False))

    assert {await deliveries.read(one) for one in made} == {("pending", None, "disabled", None, False, False)}
    assert await deliveries.messages() == 0


async def test_enabling_makes_what_was_parked_due(lifecycle, installed, deliveries):
    made = [await deliveries.add(installed), await deliveries.add(installed, parked="wait")]
    await lifecycle.update(installed.store_id, "courier", UpdateIn(enabled=False))

    await lifecycle.update(installed.store_id, "courier", UpdateIn(enabled=True))

    assert {await deliveries.read(one) for one in made} == {("pending", None, "disabled", True, False, False)}


async def test_a_change_that_does_not_flip_the_switch_leaves_deliveries_alone(lifecycle, installed, deliveries):
    queued = await deliveries.add(installed)
    before = await deliveries.read(queued)

    await lifecycle.update(installed.store_id, "courier", UpdateIn(config={"city": "Mérida"}, enabled=True))

    assert await deliveries.read(queued) == before
    assert await deliveries.messages() == 1


async def test_uninstalling_tells_the_plugin_and_deletes_the_row(lifecycle, installed, store_id, courier, find):
    await lifecycle.uninstall(store_id, "courier")

    assert courier.told == [
        ("on_disable", False, {"city": "Caracas"}, KEY),
        ("on_uninstall", False, {"city": "Caracas"}, KEY),
    ]
    assert await find() is None


async def test_uninstalling_cancels_what_is_queued_waiting_or_parked(lifecycle, installed, deliveries):
    parked = await deliveries.add(installed)
    await lifecycle.update(installed.store_id, "courier", UpdateIn(enabled=False))
    made = [
        parked,
        await deliveries.add(installed),
        await deliveries.add(installed, parked="retry"),
    ]

    await lifecycle.uninstall(installed.store_id, "courier")

    assert {await deliveries.read(one) for one in made} == {("cancelled", None, None, None, False, True)}
    assert await deliveries.messages() == 0


async def test_what_uninstalling_cancelled_says_so_in_its_history_as_a_worker_would(
    lifecycle, installed, deliveries, pool, store_id
):
    made = [await deliveries.add(installed), await deliveries.add(installed, parked="retry")]
    await lifecycle.uninstall(installed.store_id, "courier")
    whole = [await DeliveryLog(pool).delivery(store_id, one) for one in made]

    assert [one.reason for one in whole] == ["uninstalled", "uninstalled"]
    assert [(end["outcome"], end["attempt"], end["error"]) for one in whole for end in one.history] == [
        ("cancelled", 0, "the store has uninstalled the plugin")
    ] * 2


async def test_uninstalling_leaves_what_has_ended_and_other_stores_alone(
    lifecycle, installed, other_store_id, deliveries
):
    other = await lifecycle.install(other_store_id, "courier", InstallIn())
    states = ("delivered", "failed", "sent", "unknown", "expired")
    made = [*[await deliveries.add(installed, status=status) for status in states], await deliveries.add(other)]
    before = [await deliveries.read(one) for one in made]

    await lifecycle.uninstall(installed.store_id, "courier")

    assert [await deliveries.read(one) for one in made] == before
    assert await deliveries.messages() == 1


async def test_what_intake_queues_while_the_plugin_leaves_is_cancelled_too(lifecycle, installed, courier, deliveries):
    late = []

    async def one_more() -> None:
        late.append(await deliveries.add(installed))

    courier.meanwhile["on_uninstall"] = one_more

    await lifecycle.uninstall(installed.store_id, "courier")

    assert (await deliveries.read(late[0]))[0] == "cancelled"
    assert await deliveries.messages() == 0


async def test_what_a_replay_writes_while_the_plugin_leaves_is_cancelled_too(
    lifecycle, installed, courier, deliveries, database, admin_conn, until
):
    """The replay has locked the installation and written its delivery, and commits when the plugin's row is to go."""
    failed = await deliveries.add(installed, status="failed")
    [place] = await (
        await admin_conn.execute("select id, created_at from public.plugin_events_log where id = %s", (failed,))
    ).fetchall()
    async with await psycopg.AsyncConnection.connect(database.runtime_url) as replaying:

        async def replay() -> None:
            await replay_deliveries(replaying, [Place(*place)], Order("user 7", uuid4()))

        async def waiting() -> bool:
            return (
                await admin_conn.execute("select 1 from pg_stat_activity where wait_event_type = 'Lock'")
            ).rowcount == 1

        courier.meanwhile["on_uninstall"] = replay
        leaving = asyncio.create_task(lifecycle.uninstall(installed.store_id, "courier"))
        await until(waiting)
        await replaying.commit()
        await leaving

    assert (await deliveries.read(failed))[0] == "cancelled"


@pytest.mark.parametrize("hook", ["on_disable", "on_uninstall"])
async def test_a_plugin_cannot_refuse_to_be_left(lifecycle, installed, courier, find, hook):
    courier.failures[hook] = RuntimeError("no")

    await lifecycle.uninstall(installed.store_id, "courier")

    assert await find() is None


async def test_after_leaving_a_plugin_can_be_installed_again(lifecycle, installed, store_id, find):
    await lifecycle.uninstall(store_id, "courier")
    again = await lifecycle.install(store_id, "courier", InstallIn())

    assert again.id != installed.id
    assert sorted((await find()).sealed) == ["webhook_secret"]
