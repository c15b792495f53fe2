"""A plugin that is disabled or uninstalled while its calls run: each call counts once, whatever it said."""

import asyncio

import pytest
from tests.integration.events.conftest import bring

from pideai_host.api import delivered, retry
from pideai_host.stores import deliveries
from pideai_host.stores.installations import Installations

STEPS = {
    "disabled": ("update public.store_plugins set enabled = false, revision = revision + 1", deliveries.park),
    "uninstalled": ("delete from public.store_plugins", deliveries.cancel),
}


@pytest.fixture
def answering(probe):
    """Have the plugin's first call wait until it is let go, and then say something."""
    began, go_on = asyncio.Event(), asyncio.Event()

    def _answering(answer):
        async def wait(context):
            began.set()
            await go_on.wait()
            return answer

        probe.answers = [wait]
        return began, go_on

    return _answering


async def change(way, installation, how):
    statement, take_back = STEPS[how]
    stored = (await Installations(way.pool).load([installation]))[installation]
    async with way.pool.connection() as connection, connection.transaction():
        await connection.execute(statement)
        await take_back(connection, stored)


@pytest.mark.parametrize("how", list(STEPS))
async def test_a_call_under_way_is_made_once_and_its_outcome_kept(working, shop, probe, installation, answering, how):
    began, go_on = answering(delivered())
    await bring(working, shop)
    await began.wait()
    await change(working, installation, how)
    go_on.set()

    assert (await working.done(), len(probe.calls)) == ([("delivered", 1, None)], 1)


@pytest.mark.parametrize(
    ("how", "state"), [("disabled", ("pending", "disabled")), ("uninstalled", ("cancelled", None))]
)
async def test_what_is_to_be_tried_again_is_taken_back_then(
    working, shop, probe, installation, answering, until, how, state
):
    began, go_on = answering(retry("503"))
    await bring(working, shop)
    await began.wait()
    await change(working, installation, how)
    go_on.set()

    async def taken_back():
        return await working.rows("select status, park_reason from public.plugin_events_log") == [state]

    await until(taken_back)
    assert len(probe.calls) == 1
