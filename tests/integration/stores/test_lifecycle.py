"""A row is written only when the plugin accepts; what is queued follows the installation's state."""

import asyncio
from uuid import uuid4

import pytest

from pideai_host.api import (
    AlreadyInstalled,
    ConfigRejected,
    CreditsExhausted,
    NotInstalled,
    NotReady,
    PluginFault,
    PluginUnknown,
    StoreUnknown,
)
from pideai_host.stores.expected import ChangedMeanwhile, tag_of
from pideai_host.stores.installations import Installations
from pideai_host.stores.opened import open_value
from pideai_host.stores.wire import InstallIn, UpdateIn

KEY = "canary-key"


async def test_installing_asks_the_plugin_then_writes_the_row_with_its_secrets_sealed(
    lifecycle, store_id, courier, find, sealer
):
    made = await lifecycle.install(store_id, "courier", InstallIn(config={"key": KEY}, priority=3))

    kept = await find()
    assert courier.told == [
        ("on_install", True, {"city": "Caracas"}, KEY),
        ("on_enable", True, {"city": "Caracas"}, KEY),
    ]
    assert (kept.config, kept.enabled, kept.priority, kept.revision) == ({"city": "Caracas"}, True, 3, 1)
    assert open_value(sealer, kept, "/key") == KEY
    assert open_value(sealer, kept, "webhook_secret") == made.webhook_secret
    assert (made.id, made.revision, made.installed_at, made.secrets) == (
        kept.id,
        1,
        kept.installed_at,
        ["/key", "webhook_secret"],
    )


async def test_no_secret_lies_in_clear_anywhere(installed, admin_conn):
    dumped = await admin_conn.execute(
        """select (select json_agg(p) from public.store_plugins p)::text
               || (select json_agg(s) from pideai_host.installation_secrets s)::text"""
    )

    [text] = await dumped.fetchone()
    assert KEY not in text
    assert installed.webhook_secret not in text


async def test_installing_disabled_does_not_enable(lifecycle, store_id, courier):
    made = await lifecycle.install(store_id, "courier", InstallIn(enabled=False))

    assert courier.names == ["on_install"]
    assert not made.enabled


async def test_a_plugin_without_hooks_accepts(lifecycle, store_id):
    made = await lifecycle.install(store_id, "silent-one", InstallIn())

    assert made.secrets == []


async def test_a_second_installation_is_refused(lifecycle, installed, store_id, courier):
    with pytest.raises(AlreadyInstalled):
        await lifecycle.install(store_id, "courier", InstallIn())
    assert courier.told == []


async def test_of_many_installations_at_once_one_succeeds_and_one_asks_the_plugin(lifecycle, store_id, courier):
    made = await asyncio.gather(
        *(lifecycle.install(store_id, "courier", InstallIn()) for _ in range(6)), return_exceptions=True
    )

    assert [type(one) for one in made].count(AlreadyInstalled) == 5
    assert courier.names == ["on_install", "on_enable"]


async def test_stores_install_apart(lifecycle, installed, other_store_id, pool):
    await lifecycle.install(other_store_id, "courier", InstallIn())

    assert [one.store_id for one in await Installations(pool).list_for_store(other_store_id)] == [other_store_id]


async def test_an_unknown_store_is_named(lifecycle, courier):
    with pytest.raises(StoreUnknown):
        await lifecycle.install(uuid4(), "courier", InstallIn())
    assert courier.told == []


async def test_a_plugin_that_is_not_loaded_or_not_on_offer_is_unknown(lifecycle, store_id, admin_conn):
    await admin_conn.execute("update public.plugins set is_active = false where slug = 'courier'")

    for slug in ("courier", "no-such"):
        with pytest.raises(PluginUnknown):
            await lifecycle.install(store_id, slug, InstallIn())


async def test_a_configuration_that_the_schema_refuses_reaches_no_hook(lifecycle, store_id, courier, find):
    with pytest.raises(ConfigRejected) as caught:
        await lifecycle.install(store_id, "courier", InstallIn(config={"city": 1}))

    assert caught.value.faults == {"/city": "must be of type string"}
    assert courier.told == []
    assert await find() is None


@pytest.mark.parametrize("hook", ["on_install", "on_enable"])
async def test_what_the_plugin_refuses_leaves_no_row(lifecycle, store_id, courier, find, hook):
    courier.refuse(hook)

    with pytest.raises(ConfigRejected):
        await lifecycle.install(store_id, "courier", InstallIn())
    assert await find() is None


async def test_a_plugin_that_refuses_to_be_enabled_is_told_to_clean_up(lifecycle, store_id, courier):
    courier.refuse("on_enable")

    with pytest.raises(ConfigRejected):
        await lifecycle.install(store_id, "courier", InstallIn())
    assert courier.names == ["on_install", "on_enable", "on_uninstall"]


async def test_a_plugin_that_is_not_ready_is_installed_disabled_with_the_reason(lifecycle, store_id, courier, find):
    courier.failures["on_enable"] = NotReady("the courier comes on Monday")
    made = await lifecycle.install(store_id, "courier", InstallIn())
    kept = await find()

    assert (made.enabled, made.state_reason) == (False, "the courier comes on Monday")
    assert (kept.state, kept.transition_reason, courier.names) == (
        "disabled",
        "the courier comes on Monday",
        ["on_install", "on_enable"],
    )


async def test_enabling_a_plugin_that_is_not_ready_is_refused_and_the_reason_stays_until_it_is(
    lifecycle, store_id, courier, find
):
    await lifecycle.install(store_id, "courier", InstallIn(enabled=False))
    courier.failures["on_enable"] = NotReady("not yet")
    with pytest.raises(NotReady):
        await lifecycle.update(store_id, "courier", UpdateIn(enabled=True))
    reordered = await lifecycle.update(store_id, "courier", UpdateIn(priority=3))
    kept = await find()
    courier.failures.clear()
    enabled = await lifecycle.update(store_id, "courier", UpdateIn(enabled=True))

    assert (reordered.state_reason, kept.transition_reason, kept.enabled) == ("not yet", "not yet", False)
    assert (enabled.enabled, enabled.state_reason, (await find()).transition_reason) == (True, None, None)


async def test_a_hook_that_raises_is_the_plugins_fault_and_quotes_nothing(lifecycle, store_id, courier, find):
    courier.failures["on_install"] = RuntimeError(f"the key {KEY} is bad")

    with pytest.raises(PluginFault) as caught:
        await lifecycle.install(store_id, "courier", InstallIn(config={"key": KEY}))

    assert caught.value.slug == "courier"
    assert KEY not in caught.value.message
    assert await find() is None


async def test_a_refusal_does_not_quote_the_secret(lifecycle, store_id, courier):
    courier.failures["on_install"] = ConfigRejected({"/key": f"{KEY} is unknown to the courier"})

    with pytest.raises(ConfigRejected) as caught:
        await lifecycle.install(store_id, "courier", InstallIn(config={"key": KEY}))
    assert caught.value.faults == {"/key": "[secret] is unknown to the courier"}


async def test_a_change_asks_the_plugin_with_what_will_be_and_raises_the_revision(
    lifecycle, installed, store_id, courier, find
):
    changed = await lifecycle.update(store_id, "courier", UpdateIn(config={"city": "Mérida"}, priority=2))

    kept = await find()
    assert courier.told == [("on_config_change", True, {"city": "Mérida"}, KEY)]
    assert (kept.config, kept.priority, kept.revision) == ({"city": "Mérida"}, 2, 2)
    assert sorted(kept.sealed) == ["/key", "webhook_secret"]
    assert changed.revision == 2
    assert changed.updated_at > installed.updated_at
    assert changed.installed_at == installed.installed_at


async def test_a_secret_that_is_cleared_is_gone(lifecycle, installed, store_id, find):
    await lifecycle.update(store_id, "courier", UpdateIn(config={"key": None}))

    assert sorted((await find()).sealed) == ["webhook_secret"]


async def test_a_new_webhook_secret_is_shown_once(lifecycle, installed, courier, find, sealer):
    changed = await lifecycle.update(installed.store_id, "courier", UpdateIn(webhook_secret=None))

    assert changed.webhook_secret != installed.webhook_secret
    assert open_value(sealer, await find(), "webhook_secret") == changed.webhook_secret
    assert courier.names == ["on_config_change"]


async def test_a_change_that_the_plugin_refuses_changes_nothing(lifecycle, installed, store_id, courier, find):
    before = await find()
    courier.refuse("on_config_change")

    with pytest.raises(ConfigRejected):
        await lifecycle.update(store_id, "courier", UpdateIn(config={"city": "Mérida"}, enabled=False))
    assert await find() == before


async def test_a_change_upon_another_state_reaches_no_hook_and_writes_nothing(
    lifecycle, installed, store_id, courier, find
):
    before = await find()
    for act in (
        lifecycle.update(store_id, "courier", UpdateIn(config={}), expected={"0f4a7c1e-1"}),
        lifecycle.uninstall(store_id, "courier", expected=()),
    ):
        with pytest.raises(ChangedMeanwhile):
            await act

    assert (courier.told, await find()) == ([], before)


async def test_a_change_upon_this_state_is_made_once(lifecycle, installed, store_id):
    read = {tag_of(installed)}
    await lifecycle.update(store_id, "courier", UpdateIn(priority=1), expected=read)

    with pytest.raises(ChangedMeanwhile):
        await lifecycle.update(store_id, "courier", UpdateIn(priority=2), expected=read)


async def test_a_refusal_to_be_enabled_takes_the_new_configuration_back(lifecycle, installed, store_id, courier, find):
    await lifecycle.update(store_id, "courier", UpdateIn(enabled=False))
    before = await find()
    courier.told.clear()
    courier.refuse("on_enable")

    with pytest.raises(ConfigRejected):
        await lifecycle.update(store_id, "courier", UpdateIn(enabled=True, config={"city": "Mérida"}))
    assert [(name, config["city"]) for name, _, config, _ in courier.told] == [
        ("on_config_change", "Mérida"),
        ("on_enable", "Mérida"),
        ("on_config_change", "Caracas"),
    ]
    assert await find() == before


async def test_switching_tells_the_plugin_only_when_the_switch_flips(lifecycle, installed, store_id, courier):
    for enabled in (True, False, False, True):
        await lifecycle.update(store_id, "courier", UpdateIn(enabled=enabled))

    assert courier.names == ["on_disable", "on_enable"]


async def test_a_plugin_cannot_refuse_to_be_disabled(lifecycle, installed, store_id, courier, find):
    courier.failures["on_disable"] = RuntimeError("no")

    assert not (await lifecycle.update(store_id, "courier", UpdateIn(enabled=False))).enabled
    assert not (await find()).enabled


async def test_changing_or_leaving_what_is_not_installed_is_named(lifecycle, store_id):
    with pytest.raises(NotInstalled):
        await lifecycle.update(store_id, "courier", UpdateIn(enabled=False))
    with pytest.raises(NotInstalled):
        await lifecycle.uninstall(store_id, "courier")


async def test_hooks_have_connections_left_however_many_changes_run(lifecycle, store_id, pool, courier, admin_conn):
    async def ask_the_database() -> None:
        async with pool.connection(timeout=5) as connection:
            await connection.execute("select 1")

    courier.meanwhile["on_install"] = ask_the_database
    stores = await admin_conn.execute(
        """insert into public.stores (name, owner_id, subdomain)
           select 'S', owner_id, 'many-' || n from public.stores, generate_series(1, 20) as n returning id"""
    )

    made = await asyncio.gather(
        *(lifecycle.install(row[0], "courier", InstallIn()) for row in await stores.fetchall()), return_exceptions=True
    )

    assert [one for one in made if isinstance(one, BaseException)] == []


async def test_a_plugin_may_refuse_by_any_signal_of_its_own(lifecycle, store_id, courier, find):
    courier.failures["on_install"] = CreditsExhausted("nothing left")

    with pytest.raises(CreditsExhausted):
        await lifecycle.install(store_id, "courier", InstallIn())
    assert await find() is None
