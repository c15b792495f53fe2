"""A row is written only when the plugin accepts; what is queued follows the installation's state."""

import asyncio
from uuid import uuid4

import psycopg
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
from pideai_host.events.replay_write import Order, Place, replay_deliveries
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.expected import ChangedMeanwhile, tag_of
from pideai_host.stores.installations import Installations
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.opened import open_value
from pideai_host.stores.wire import InstallIn, UpdateIn

KEY = "canary-key"


@pytest.fixture
def find(pool, store_id):
    async def _find(slug: str = "courier"):
        return await Installations(pool).find(store_id, slug)

    return _find


@pytest.fixture
async def installed(lifecycle, store_id, courier):
    made = await lifecycle.install(store_id, "courier", InstallIn(config={"key": KEY}))
    courier.told.clear()
    return made


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
