"""Installing, changing and removing the plugin as an owner does: what is stored, adopted and seen in the panel."""

from ipaddress import ip_network
from uuid import uuid4

import pytest
from pideai_whatsapp.plugin import WhatsAppPlugin

from pideai_host.api import ConfigRejected
from pideai_host.db.dev import create_demo_store
from pideai_host.outgoing.client import make_client
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.wire import InstallIn, UpdateIn


@pytest.fixture
async def lifecycle(shop, pool):
    plugin = WhatsAppPlugin()
    await sync_catalogue(shop.connection, [plugin.plugin_definition()])
    sealer = Sealer([("k1", b"k" * 32)])
    runner = HookRunner()
    http = make_client(allow=(ip_network("127.0.0.0/8"),))
    yield Lifecycle(pool, Registry.of({"whatsapp": plugin}), runner, ContextFactory(pool, http, sealer, {}), sealer)
    await runner.aclose()
    await http.aclose()


async def panel(shop):
    cursor = await shop.connection.execute("select is_enabled, auto_order_ready from public.whatsapp_settings")
    return await cursor.fetchone()


async def test_what_the_owner_does_not_say_is_not_stored_and_stays_the_panels(lifecycle, shop):
    await shop.connection.execute("update public.whatsapp_settings set is_enabled = false, auto_order_ready = false")

    installed = await lifecycle.install(shop.store_id, "whatsapp", InstallIn(config={"provider": "console"}))

    assert [name for name in installed.config if name.startswith("auto") or name == "confirmationOn"] == []
    assert await panel(shop) == (True, False)
    cursor = await shop.connection.execute("select is_adopted from pideai_whatsapp.stores")
    assert await cursor.fetchall() == [(True,)]


async def test_installing_without_enabling_leaves_the_row_to_todays_triggers(lifecycle, shop):
    before = await panel(shop)

    await lifecycle.install(shop.store_id, "whatsapp", InstallIn(config={"provider": "console"}, enabled=False))

    assert await panel(shop) == before


async def test_the_panel_sees_each_change(lifecycle, shop):
    await lifecycle.install(shop.store_id, "whatsapp", InstallIn(config={"provider": "console"}))
    seen = []
    for change in (
        UpdateIn(enabled=False),
        UpdateIn(enabled=True),
        UpdateIn(config={"provider": "console", "autoOrderReady": False}),
    ):
        await lifecycle.update(shop.store_id, "whatsapp", change)
        seen.append(await panel(shop))
    await lifecycle.uninstall(shop.store_id, "whatsapp")
    seen.append(await panel(shop))

    assert seen == [(False, True), (True, True), (True, False), (False, False)]


async def test_another_stores_instance_is_refused_and_nothing_is_left(lifecycle, shop):
    await shop.connection.execute("update public.whatsapp_settings set instance_name = 'mine'")
    await create_demo_store(shop.connection, owner_id=uuid4(), subdomain="la-otra", name="Otra")

    with pytest.raises(ConfigRejected):
        await lifecycle.install(
            shop.store_id,
            "whatsapp",
            InstallIn(config={"provider": "evolution", "instanceName": "la-otra"}),
        )
    cursor = await shop.connection.execute("select count(*) from public.store_plugins")
    assert await cursor.fetchone() == (0,)
