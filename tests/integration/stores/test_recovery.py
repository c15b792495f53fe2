"""Wherever a process ends or a hook fails, what was left half-way is finished or undone, and its owner is not stuck."""

import asyncio

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pideai_host.api import ConfigRejected, NotInstalled, PideaiError, PluginFault
from pideai_host.stores.installations import Installations
from pideai_host.stores.recovery import Recovery
from pideai_host.stores.transitions import TRIES_MAX
from pideai_host.stores.wire import InstallIn, InstallOut, UpdateIn

CITY = UpdateIn(config={"city": "Mérida"})


@pytest.fixture
def recovery(pool, registry, lifecycle) -> Recovery:
    return Recovery(pool, registry, lifecycle)


@pytest.fixture
async def installed(lifecycle, store_id, courier):
    made = await lifecycle.install(store_id, "courier", InstallIn(config={"key": "canary-key"}))
    courier.told.clear()
    return made


@pytest.fixture
def find(pool, store_id):
    async def _find():
        return await Installations(pool).find(store_id, "courier")

    return _find


@pytest.fixture
def crash(courier):
    """Make a change and end its process, as far as anybody can see, while the plugin is in a hook."""

    async def _crash(change, hook: str) -> None:
        inside = asyncio.Event()

        async def for_ever() -> None:
            inside.set()
            await asyncio.Event().wait()

        courier.meanwhile[hook] = for_ever
        task = asyncio.create_task(change)
        await inside.wait()
        task.cancel()
        await asyncio.wait([task])
        del courier.meanwhile[hook]
        courier.told.clear()

    return _crash


@pytest.fixture
def make_due(admin_conn):
    async def _make_due() -> None:
        await admin_conn.execute(
            "update public.store_plugins set transition_due_at = now() where transition_due_at is not null"
        )

    return _make_due


async def states(admin_conn) -> list[tuple]:
    cursor = await admin_conn.execute(
        "select from_state, to_state, reason from pideai_host.installation_states order by id"
    )
    return await cursor.fetchall()


async def test_an_install_is_written_down_before_its_hooks_are_called(lifecycle, store_id, courier, find, admin_conn):
    seen = []

    async def look() -> None:
        found = await find()
        seen.append((found.state, found.enabled))

    courier.meanwhile = {"on_install": look, "on_enable": look}
    made = await lifecycle.install(store_id, "courier", InstallIn())

    assert seen == [("installing", False)] * 2
    assert (made.state, made.enabled, made.revision) == ("enabled", True, 1)
    assert await states(admin_conn) == [(None, "installing", None), ("installing", "enabled", None)]


@pytest.mark.parametrize("hook", ["on_install", "on_enable"])
async def test_an_install_that_a_crash_left_is_undone(
    lifecycle, recovery, store_id, courier, crash, make_due, find, hook, admin_conn
):
    await crash(lifecycle.install(store_id, "courier", InstallIn(config={"key": "canary-key"})), hook)
    assert (await find()).state == "installing"
    await make_due()
    await recovery.run()

    assert (courier.told, await find()) == ([("on_uninstall", False, {"city": "Caracas"}, "canary-key")], None)
    assert (await states(admin_conn))[-1] == ("installing", None, "undone: it was left half-way")
    assert (await lifecycle.install(store_id, "courier", InstallIn())).state == "enabled"


async def test_an_install_that_a_crash_left_is_no_hindrance(lifecycle, store_id, courier, crash):
    await crash(lifecycle.install(store_id, "courier", InstallIn()), "on_install")
    made = await lifecycle.install(store_id, "courier", InstallIn())

    assert (courier.names, made.state) == (["on_uninstall", "on_install", "on_enable"], "enabled")


async def test_an_install_that_a_crash_left_can_be_removed_but_not_changed(lifecycle, store_id, courier, crash, find):
    await crash(lifecycle.install(store_id, "courier", InstallIn()), "on_install")
    with pytest.raises(NotInstalled):
        await lifecycle.update(store_id, "courier", UpdateIn(enabled=True))
    assert await find() is None

    await crash(lifecycle.install(store_id, "courier", InstallIn()), "on_install")
    await lifecycle.uninstall(store_id, "courier")
    assert await find() is None


async def test_a_change_that_a_crash_left_is_undone_and_goes_on_delivering_meanwhile(
    lifecycle, recovery, installed, courier, crash, make_due, find
):
    await crash(lifecycle.update(installed.store_id, "courier", CITY), "on_config_change")
    left = await find()
    await make_due()
    await recovery.run()

    assert (left.state, left.enabled, left.config, left.revision) == ("reconfiguring", True, {"city": "Caracas"}, 1)
    assert courier.told == [("on_config_change", True, {"city": "Caracas"}, "canary-key")]
    assert ((await find()).state, (await find()).revision) == ("enabled", 1)


async def test_enabling_that_a_crash_left_is_undone(lifecycle, recovery, installed, courier, crash, make_due, find):
    await lifecycle.update(installed.store_id, "courier", UpdateIn(enabled=False))
    await crash(lifecycle.update(installed.store_id, "courier", UpdateIn(enabled=True)), "on_enable")
    assert (await find()).state == "enabling"
    await make_due()
    await recovery.run()

    assert (courier.names, (await find()).state) == (["on_disable"], "disabled")


async def test_disabling_that_a_crash_left_is_finished(lifecycle, recovery, installed, courier, crash, make_due, find):
    await crash(lifecycle.update(installed.store_id, "courier", UpdateIn(enabled=False)), "on_disable")
    left = await find()
    await make_due()
    await recovery.run()

    assert (left.state, left.enabled) == ("disabling", False)
    assert (courier.names, (await find()).state) == (["on_disable"], "disabled")


@pytest.mark.parametrize("hook", ["on_disable", "on_uninstall"])
async def test_uninstalling_that_a_crash_left_is_finished(
    lifecycle, recovery, installed, courier, crash, make_due, find, hook
):
    await crash(lifecycle.uninstall(installed.store_id, "courier"), hook)
    assert (await find()).state == "uninstalling"
    await make_due()
    await recovery.run()

    assert (courier.names, await find()) == (["on_disable", "on_uninstall"], None)


async def test_what_somebody_is_at_is_left_alone(lifecycle, recovery, store_id, courier, make_due, find):
    inside, may_go = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        inside.set()
        await may_go.wait()

    courier.meanwhile["on_install"] = wait
    making = asyncio.create_task(lifecycle.install(store_id, "courier", InstallIn()))
    await inside.wait()
    await make_due()
    await recovery.run()
    may_go.set()

    assert ((await making).state, courier.names) == ("enabled", ["on_install", "on_enable"])


async def test_what_is_not_due_is_left_alone(lifecycle, recovery, store_id, courier, crash):
    await crash(lifecycle.install(store_id, "courier", InstallIn()), "on_install")

    assert (await recovery.run(), courier.told) == (False, [])


async def test_a_hook_that_fails_may_have_had_its_effect_and_is_undone(lifecycle, installed, courier, find, admin_conn):
    courier.failures["on_config_change"] = RuntimeError("half")
    undone = []

    async def second_time() -> None:
        if len(courier.told) > 1:
            undone.append(courier.failures.pop("on_config_change"))

    courier.meanwhile["on_config_change"] = second_time
    with pytest.raises(PluginFault):
        await lifecycle.update(installed.store_id, "courier", CITY)

    assert [config["city"] for _, _, config, _ in courier.told] == ["Mérida", "Caracas"]
    assert ((await find()).state, len(undone)) == ("enabled", 1)
    assert (await states(admin_conn))[-1] == (
        "reconfiguring",
        "enabled",
        "courier: on_config_change raised RuntimeError",
    )


async def test_what_a_plugin_cannot_undo_is_tried_again_then_given_up_and_its_owner_told(
    lifecycle, recovery, store_id, courier, make_due, find, admin_conn
):
    courier.refuse("on_enable")
    courier.failures["on_uninstall"] = RuntimeError("canary-key is refused")
    with pytest.raises(ConfigRejected):
        await lifecycle.install(store_id, "courier", InstallIn(config={"key": "canary-key"}))
    assert (await find()).state == "installing"
    for _ in range(TRIES_MAX):
        await make_due()
        await recovery.run()
    left = await find()
    courier.told.clear()
    await make_due()
    await recovery.run()

    assert (left.state, left.enabled, left.transition_tries) == ("failed", False, TRIES_MAX)
    assert (left.transition_reason, courier.told) == ("courier: on_uninstall raised RuntimeError", [])
    [notice] = await (await admin_conn.execute("select level, message from pideai_host.notices")).fetchall()
    assert (notice[0], "canary" in notice[1], "courier" in notice[1]) == ("error", False, True)
    assert InstallOut.of(left).state == "failed"
    courier.failures.clear()
    assert (await lifecycle.install(store_id, "courier", InstallIn())).state == "enabled"


async def test_a_failed_change_can_be_replaced_by_another_one(lifecycle, installed, courier, find):
    courier.failures["on_config_change"] = RuntimeError("no")
    with pytest.raises(PluginFault):
        await lifecycle.update(installed.store_id, "courier", CITY)
    assert (await find()).state == "reconfiguring"
    del courier.failures["on_config_change"]
    reordered = await lifecycle.update(installed.store_id, "courier", UpdateIn(priority=3))

    assert (reordered.state, (await find()).state) == ("reconfiguring", "reconfiguring")
    changed = await lifecycle.update(installed.store_id, "courier", CITY)
    assert (changed.state, changed.state_reason, (await find()).config) == ("enabled", None, {"city": "Mérida"})


# By chance: a plugin that keeps what it was told, and fails, refuses or sees its process end anywhere.

FATE = st.sampled_from(["well", "well", "refuses", "fails before", "fails after", "ends before", "ends after"])
OPERATION = st.tuples(
    st.sampled_from(["install", "configure", "enable", "disable", "uninstall", "recover"]),
    st.lists(FATE, min_size=1, max_size=3),
)


class Book:
    """What a plugin keeps of one store; each call takes the next fate."""

    def __init__(self, courier) -> None:
        self.fates: list[str] = []
        self.city: str | None = None
        self.is_enabled = False
        self.inside = asyncio.Event()
        courier._hear = self.hear

    async def hear(self, name, config, context) -> None:
        fate = self.fates.pop(0) if self.fates else "well"
        if name in {"on_disable", "on_uninstall"} and fate.startswith(("refuses", "fails")):
            fate = "well"  # nobody is stopped by these: they are called once, come what may
        if fate == "ends before":
            await self.end()
        if fate == "refuses":
            raise ConfigRejected({"": "no"})
        if fate == "fails before":
            raise RuntimeError
        self.note(name, config)
        if fate == "ends after":
            await self.end()
        if fate == "fails after":
            raise RuntimeError

    def note(self, name, config) -> None:
        match name:
            case "on_install" | "on_config_change":
                self.city = config["city"]
            case "on_uninstall":
                self.city, self.is_enabled = None, False
            case _:
                self.is_enabled = name == "on_enable"

    async def end(self) -> None:
        self.inside.set()
        await asyncio.Event().wait()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(  # a change left half-way, then switched off and on: the plugin knows a configuration that was never written
    begins=True,
    operations=[
        ("configure", ["fails after", "ends before"]),
        ("disable", ["ends before"]),
        ("enable", ["ends before"]),
    ],
)
@example(  # enabling left half-way, then a change that leaves it switched off
    begins=False, operations=[("enable", ["ends after"]), ("configure", ["well"])]
)
@given(begins=st.sampled_from([None, True, False]), operations=st.lists(OPERATION, min_size=1, max_size=6))
async def test_whatever_happens_plugin_and_host_agree_in_the_end(
    lifecycle, recovery, store_id, courier, make_due, find, admin_conn, begins, operations
):
    await admin_conn.execute("delete from public.store_plugins")  # what an example that failed left
    book = Book(courier)
    if begins is not None:
        await lifecycle.install(store_id, "courier", InstallIn(enabled=begins))
    for number, (name, fates) in enumerate(operations):
        book.fates = list(fates)
        book.inside.clear()
        change = {
            "install": lambda: lifecycle.install(store_id, "courier", InstallIn()),
            "configure": lambda number=number: lifecycle.update(
                store_id, "courier", UpdateIn(config={"city": f"city {number}"})
            ),
            "enable": lambda: lifecycle.update(store_id, "courier", UpdateIn(enabled=True)),
            "disable": lambda: lifecycle.update(store_id, "courier", UpdateIn(enabled=False)),
            "uninstall": lambda: lifecycle.uninstall(store_id, "courier"),
            "recover": lambda: recovery.recover(store_id, "courier"),
        }[name]
        task, inside = asyncio.create_task(change()), asyncio.create_task(book.inside.wait())
        await asyncio.wait([task, inside], return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        inside.cancel()
        await asyncio.wait([task, inside])
        if not task.cancelled() and task.exception() is not None:
            assert isinstance(task.exception(), PideaiError)
    book.fates = []
    await make_due()
    await recovery.run()

    found = await find()
    if found is None:
        assert (book.city, book.is_enabled) == (None, False)
    else:
        assert (found.transition, book.city, book.is_enabled) == (None, found.config["city"], found.enabled)
        await lifecycle.uninstall(store_id, "courier")
    assert await find() is None
    with pytest.raises(NotInstalled):
        await lifecycle.update(store_id, "courier", UpdateIn())
