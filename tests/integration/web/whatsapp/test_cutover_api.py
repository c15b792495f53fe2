"""A store that today's triggers still send for, as its owner meets it through the API."""

from whatsapp_fakes.old_triggers import PG_NET


async def test_it_is_installed_and_rests_and_cannot_be_enabled(panel, shop):
    await shop.connection.execute(PG_NET)
    await shop.connection.execute("delete from public.store_plugins")
    made = await panel.ask("POST", "/plugins", json={"slug": "whatsapp", "config": {"provider": "console"}})
    tried = await panel.ask("PUT", "/plugins/whatsapp", json={"enabled": True})
    shown = (await panel.ask("GET", "/plugins/whatsapp")).json()

    assert (made.status_code, made.json()["state"]) == (201, "disabled")
    assert (tried.status_code, tried.json()["code"]) == (409, "not_ready")
    assert tried.json()["detail"].startswith("cutover pending")
    assert shown["state_reason"] == tried.json()["detail"]


async def test_where_the_triggers_cannot_post_a_store_is_not_concerned(panel, shop):
    await shop.connection.execute("delete from public.store_plugins")
    made = await panel.ask("POST", "/plugins", json={"slug": "whatsapp", "config": {"provider": "console"}})

    assert (made.status_code, made.json()["state"]) == (201, "enabled")


async def test_a_store_without_settings_waits_too_since_the_panel_makes_them_at_any_moment(panel, shop):
    await shop.connection.execute(PG_NET)
    await shop.connection.execute("delete from public.store_plugins")
    await shop.connection.execute("delete from public.whatsapp_settings")
    made = await panel.ask("POST", "/plugins", json={"slug": "whatsapp", "config": {"provider": "console"}})

    assert (made.json()["state"], made.json()["state_reason"][:15]) == ("disabled", "cutover pending")
