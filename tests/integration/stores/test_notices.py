"""A notice reaches the owner's list, bounded and always storable."""

import asyncio
from uuid import uuid4

import pytest

from pideai_host.api import PluginFault, StoreUnknown
from pideai_host.stores.context import NOTICES_MAX, ContextFactory
from pideai_host.stores.installations import Installations
from pideai_host.stores.notices import MESSAGE_MAX_CHARS, Notices
from pideai_host.stores.wire import InstallIn


@pytest.fixture
def written(runtime_conn):
    async def _written() -> list[tuple[str, str, str]]:
        return await (await runtime_conn.execute("select plugin, level, message from pideai_host.notices")).fetchall()

    return _written


async def test_a_notice_is_kept_with_its_level(pool, store_id, written):
    await Notices(pool).leave(store_id, "whatsapp", "Se desconectó", level="warning")

    assert await written() == [("whatsapp", "warning", "Se desconectó")]


async def test_a_long_notice_is_cut_and_what_cannot_be_stored_is_replaced(pool, store_id, written):
    await Notices(pool).leave(store_id, "whatsapp", "a\x00\ud800" + "x" * 5_000)

    [(_, _, message)] = await written()
    assert message.startswith("a?xxx")
    assert len(message) == MESSAGE_MAX_CHARS


async def test_an_unknown_level_is_the_plugins_fault(pool, store_id):
    with pytest.raises(PluginFault):
        await Notices(pool).leave(store_id, "whatsapp", "x", level="fatal")


async def test_an_unknown_store_is_named(pool):
    with pytest.raises(StoreUnknown):
        await Notices(pool).leave(uuid4(), "whatsapp", "x")


async def test_a_plugin_leaves_notices_through_its_context(pool, lifecycle, store_id, sealer, written):
    await lifecycle.install(store_id, "courier", InstallIn())
    stored = await Installations(pool).find(store_id, "courier")

    await ContextFactory(pool, None, sealer, {}).make(stored, None).notify("Listo", level="error")

    assert await written() == [("courier", "error", "Listo")]


async def test_the_number_of_notices_of_one_call_is_bounded(pool, lifecycle, store_id, sealer, written):
    await lifecycle.install(store_id, "courier", InstallIn())
    stored = await Installations(pool).find(store_id, "courier")
    contexts = ContextFactory(pool, None, sealer, {})
    talkative = contexts.make(stored, None)
    told = await asyncio.gather(*(talkative.notify(str(n)) for n in range(NOTICES_MAX + 5)), return_exceptions=True)
    await contexts.make(stored, None).notify("the next call's")

    assert [type(one) for one in told] == [type(None)] * NOTICES_MAX + [PluginFault] * 5
    assert len(await written()) == NOTICES_MAX + 1
