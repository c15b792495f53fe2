"""New code of a plugin finds configurations as it wants them, or leaves them as they are and says why."""

import asyncio

import msgspec
import pytest

from pideai_host.api import ConfigRejected, PluginFault, hookimpl
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.installations import Installations
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.opened import open_value
from pideai_host.stores.upgrade import Upgrade
from pideai_host.stores.versions import ConfigNotCurrent
from pideai_host.stores.wire import InstallIn, InstallOut, UpdateIn

SCHEMA = {
    "type": "object",
    "properties": {
        "places": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "key": {"writeOnly": True},
        "login": {"type": "object", "properties": {"token": {"writeOnly": True, "type": "string"}}},
    },
    "additionalProperties": False,
}


async def moved(config, context):
    """Version 2 has several places, and the key in an object."""
    return {"places": [config["city"]], "login": {"token": await context.secrets.get("/key")}, "key": None}


@pytest.fixture
def newer(courier):
    """The plugin's code of tomorrow; `migrate` is what it does with an older configuration."""

    class Newer(type(courier)):
        migrate = staticmethod(moved)

        @hookimpl
        def plugin_definition(self):
            return msgspec.structs.replace(self.definition, config_version=2, config_schema=SCHEMA)

        @hookimpl
        async def migrate_config(self, store_id, config, context):
            self.told.append(("migrate_config", context.installation.config_version, config, None))
            return await self.migrate(config, context)

    return Newer()


@pytest.fixture
async def runner():
    made = HookRunner()
    yield made
    await made.aclose()


@pytest.fixture
async def upgraded(pool, newer, sealer, admin_conn, runner, installed):
    """A host with the newer code, in a database that an older one filled."""
    registry = Registry.of({"courier": newer})
    await sync_catalogue(admin_conn, registry.definitions.values())
    return Lifecycle(pool, registry, runner, ContextFactory(pool, None, sealer, {}), sealer)


@pytest.fixture
def upgrade(pool, newer, upgraded) -> Upgrade:
    return Upgrade(pool, Registry.of({"courier": newer}), upgraded)


@pytest.fixture
async def installed(lifecycle, store_id, courier):
    return await lifecycle.install(store_id, "courier", InstallIn(config={"key": "canary-key"}))


@pytest.fixture
def find(pool, store_id):
    async def _find():
        return await Installations(pool).find(store_id, "courier")

    return _find


async def test_an_older_configuration_is_brought_up_checked_and_sealed(upgrade, newer, find, sealer):
    assert await upgrade.run_batch() == 1

    kept = await find()
    assert newer.told == [("migrate_config", 1, {"city": "Caracas"}, None)]
    assert (kept.config, kept.config_version, kept.revision) == ({"places": ["Caracas"], "login": {}}, 2, 2)
    assert (open_value(sealer, kept, "/login/token"), sorted(kept.sealed)) == (
        "canary-key",
        ["/login/token", "webhook_secret"],
    )
    assert InstallOut.of(kept).config_status == "current"
    assert await upgrade.run_batch() == 0


async def test_what_cannot_be_brought_up_stays_as_it_was_with_the_reason(upgrade, newer, find, admin_conn, installed):
    before = await find()

    async def broken(config, context):
        raise KeyError(await context.secrets.get("/key"))

    newer.migrate = broken
    assert [await upgrade.run_batch() for _ in range(2)] == [0, 0]
    kept = await find()
    notices = await (await admin_conn.execute("select level, message from pideai_host.notices")).fetchall()

    assert (kept.config, kept.sealed, kept.config_version, kept.revision) == (
        before.config,
        before.sealed,
        1,
        before.revision,
    )
    assert kept.config_fault == "courier: migrate_config raised KeyError"
    assert (InstallOut.of(kept).config_status, len(newer.told)) == ("outdated", 1)
    assert ([level for level, _ in notices], "canary" in str(notices)) == (["error"], False)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (None, "courier: migrate_config returned no JSON object"),
        ([], "courier: migrate_config returned no JSON object"),
        ({"places": object()}, "courier: migrate_config returned no JSON object"),
        ({"places": []}, "the configuration has faults: /places must have at least 1 items"),
        ({"city": "Caracas"}, "the configuration has faults: /city is not a known field"),
    ],
    ids=["nothing", "a_list", "no_json", "a_fault", "an_unknown_field"],
)
async def test_what_is_returned_is_checked(upgrade, newer, find, answer, fault):
    async def wrong(config, context):
        return answer

    newer.migrate = wrong
    assert await upgrade.run_batch() == 0
    assert ((await find()).config_fault, (await find()).config) == (fault, {"city": "Caracas"})


async def test_a_plugin_without_the_hook_gets_what_fits_its_schema(
    pool, lifecycle, installed, courier, admin_conn, find, monkeypatch
):
    monkeypatch.setattr(
        courier, "definition", msgspec.structs.replace(courier.definition, config_version=2), raising=False
    )
    registry = Registry.of({"courier": courier})
    await sync_catalogue(admin_conn, registry.definitions.values())

    assert await Upgrade(pool, registry, lifecycle).run_batch() == 1
    assert ((await find()).config_version, (await find()).config) == (2, {"city": "Caracas"})


async def test_an_owners_change_is_made_upon_what_was_brought_up(upgraded, newer, store_id, sealer, find):
    await upgraded.update(store_id, "courier", UpdateIn(config={"places": ["Mérida"], "login": {}}))

    kept = await find()
    assert (kept.config, open_value(sealer, kept, "/login/token")) == (
        {"places": ["Mérida"], "login": {}},
        "canary-key",
    )


async def test_an_owner_can_replace_what_cannot_be_brought_up(upgraded, newer, store_id, find):
    async def broken(config, context):
        raise RuntimeError

    newer.migrate = broken
    with pytest.raises(PluginFault):
        await upgraded.update(store_id, "courier", UpdateIn(webhook_secret=None))
    with pytest.raises(ConfigRejected):
        await upgraded.update(store_id, "courier", UpdateIn(config={"places": []}))
    changed = await upgraded.update(store_id, "courier", UpdateIn(config={"places": ["Mérida"]}))

    assert (changed.config_version, changed.config_status, changed.config_fault) == (2, "current", None)
    assert (await find()).config_fault is None


async def test_an_owner_can_switch_off_what_cannot_be_brought_up(upgraded, newer, store_id, find):
    async def broken(config, context):
        raise RuntimeError

    newer.migrate = broken
    await upgraded.update(store_id, "courier", UpdateIn(enabled=False))

    assert ((await find()).enabled, (await find()).config_version) == (False, 1)
    with pytest.raises(PluginFault):
        await upgraded.update(store_id, "courier", UpdateIn(enabled=True))


async def test_older_code_leaves_a_newer_configuration_alone(upgrade, lifecycle, registry, pool, store_id, find):
    await upgrade.run_batch()
    before = await find()
    for change in (UpdateIn(config={}), UpdateIn(enabled=True), UpdateIn(webhook_url=None)):
        with pytest.raises(ConfigNotCurrent):
            await lifecycle.update(store_id, "courier", change)

    assert await Upgrade(pool, registry, lifecycle).run_batch() == 0
    assert await find() == before
    assert not (await lifecycle.update(store_id, "courier", UpdateIn(enabled=False))).enabled


async def test_of_several_processes_one_brings_each_up(upgrade, newer, find):
    done = await asyncio.gather(*(upgrade.run_batch() for _ in range(3)))

    assert (sum(done), len(newer.told), (await find()).config_version) == (1, 1, 2)


async def test_what_waits_for_it_is_due_when_it_was_brought_up(upgrade, installed, deliveries):
    waiting, other = await deliveries.add(installed, parked="config"), await deliveries.add(installed, parked="retry")
    await upgrade.run_batch()

    assert [(await deliveries.read(one))[3] for one in (waiting, other)] == [True, False]
