"""A store's row of whatsapp_settings: taken over when the plugin comes, kept in step from then on."""

import pytest
from pideai_whatsapp.plugin import WhatsAppPlugin
from pideai_whatsapp.text.templates import TEMPLATE_NAMES

CONSOLE = {"provider": "console"}


@pytest.fixture
def plugin():
    return WhatsAppPlugin()


async def settings(shop):
    cursor = await shop.connection.execute(
        """select is_enabled, auto_order_confirmation, auto_order_ready, auto_order_cancelled, auto_abandoned_cart,
        abandoned_cart_delay_minutes from public.whatsapp_settings"""
    )
    return await cursor.fetchall()


async def is_adopted(shop):
    cursor = await shop.connection.execute("select is_adopted from pideai_whatsapp.stores")
    return await cursor.fetchall()


async def test_a_store_that_sent_before_is_adopted_and_nothing_changes_for_its_triggers(plugin, context, shop):
    before = await settings(shop)

    await plugin.on_install(CONSOLE, context)

    assert (await is_adopted(shop), await settings(shop)) == ([(True,)], before)


async def test_a_store_without_a_row_is_new_and_stays_new(plugin, context, shop):
    await shop.connection.execute("delete from public.whatsapp_settings")
    await plugin.on_install(CONSOLE, context)
    await plugin.on_enable(CONSOLE, context)

    await plugin.on_install(CONSOLE, context)

    assert await is_adopted(shop) == [(False,)]


async def test_the_panel_sees_whether_whatsapp_is_on(plugin, context, shop):
    await plugin.on_disable(context)
    resting = await settings(shop)
    await plugin.on_enable(CONSOLE, context)

    assert (resting[0][0], (await settings(shop))[0][0]) == (False, True)


async def test_a_new_stores_row_holds_what_the_plugin_does(plugin, context, shop):
    await shop.connection.execute("delete from public.whatsapp_settings")

    await plugin.on_enable({**CONSOLE, "autoOrderReady": False, "abandonedCartDelayMinutes": 60}, context)

    assert await settings(shop) == [(True, True, False, False, False, 60)]


async def test_what_the_configuration_does_not_say_stays_as_the_owner_had_it(plugin, context, shop):
    await shop.connection.execute(
        "update public.whatsapp_settings set auto_order_ready = false, auto_abandoned_cart = true"
    )

    await plugin.on_enable({**CONSOLE, "autoOrderCancelled": True}, context)
    await plugin.on_config_change({**CONSOLE, "autoOrderConfirmation": False}, context)

    assert await settings(shop) == [(True, False, False, True, True, 30)]


async def test_hooks_may_come_twice(plugin, context, shop):
    for _ in range(2):
        await plugin.on_install(CONSOLE, context)
        await plugin.on_enable(CONSOLE, context)

    assert (len(await settings(shop)), await is_adopted(shop)) == (1, [(True,)])


@pytest.mark.parametrize("has_function", [True, False])
async def test_installing_leaves_the_store_with_all_eight_texts(plugin, context, shop, has_function):
    await shop.connection.execute("delete from public.whatsapp_message_templates where template_type <> 'order_ready'")
    await shop.connection.execute("update public.whatsapp_message_templates set message_body = 'mío'")
    if not has_function:
        await shop.connection.execute("drop function public.initialize_whatsapp_templates")

    await plugin.on_install(CONSOLE, context)

    cursor = await shop.connection.execute(
        "select template_type, message_body = 'mío', is_active from public.whatsapp_message_templates"
    )
    rows = {kind: (is_own, is_active) for kind, is_own, is_active in await cursor.fetchall()}
    assert rows.keys() == set(TEMPLATE_NAMES)
    assert [kind for kind, (is_own, _) in rows.items() if is_own] == ["order_ready"]
    assert [kind for kind, (_, is_active) in rows.items() if not is_active] == ["order_cancelled"]
