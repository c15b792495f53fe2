"""Plugins wake and rest with a process, at once and each apart; who does not wake is left out."""

import asyncio
import threading

import pytest

from pideai_host.api import hookimpl
from pideai_host.plugins.awake import awake
from pideai_host.plugins.registry import Registry


@pytest.fixture
def plugins(make, define):
    """Build a registry of plugins: slug -> its hooks."""

    def of(**hooks_of):
        return Registry.of(
            {
                slug: make(define(slug=slug), **{name: hookimpl(one) for name, one in hooks.items()})
                for slug, hooks in hooks_of.items()
            }
        )

    return of


@pytest.fixture
def notes():
    return []


@pytest.fixture
def noting(notes):
    """Return hooks that note that they were called."""

    def of(slug):
        async def on_startup(self):
            notes.append(f"{slug} wakes")

        async def on_shutdown(self):
            notes.append(f"{slug} rests")

        return {"on_startup": on_startup, "on_shutdown": on_shutdown}

    return of


def raising(error):
    async def hook(self):
        raise error

    return hook


async def test_a_plugin_wakes_before_the_block_and_rests_after_it(plugins, runner, notes, noting):
    async with awake(plugins(one=noting("one")), runner) as registry:
        notes.append("runs")

    assert notes == ["one wakes", "runs", "one rests"]
    assert list(registry.definitions) == ["one"]


async def test_plugins_that_have_neither_are_as_they_were(plugins, runner):
    loaded = plugins(one={}, two={})
    async with awake(loaded, runner) as registry:
        assert registry is loaded


async def test_plain_hooks_run_in_threads(plugins, runner):
    ran_in = []

    def hook(self):
        ran_in.append(threading.current_thread())

    async with awake(plugins(one={"on_startup": hook, "on_shutdown": hook}), runner):
        pass

    assert len(ran_in) == 2
    assert threading.main_thread() not in ran_in


async def test_all_wake_and_rest_at_once(plugins, runner):
    doors = {name: asyncio.Barrier(2) for name in ("on_startup", "on_shutdown")}

    def waiting(name):
        async def hook(self):
            await doors[name].wait()

        return hook

    hooks = {name: waiting(name) for name in doors}
    async with awake(plugins(one=hooks, two=hooks), runner) as registry:
        assert list(registry.definitions) == ["one", "two"]


@pytest.mark.parametrize("error", [RuntimeError("too early"), SystemExit(3), asyncio.CancelledError()], ids=type)
async def test_who_does_not_wake_is_left_out_and_does_not_rest(plugins, runner, notes, noting, error):
    hooks = {**noting("bad"), "on_startup": raising(error)}
    async with awake(plugins(bad=hooks, good=noting("good")), runner) as registry:
        assert list(registry.definitions) == ["good"]
        assert registry.refused == {"bad"}

    assert notes == ["good wakes", "good rests"]


async def test_who_hangs_is_left_out(plugins, runner, gate):
    async def on_startup(self):
        await gate.wait()

    async with awake(plugins(bad={"on_startup": on_startup}, good={}), runner, startup_limit_s=0.01) as registry:
        assert list(registry.definitions) == ["good"]


async def test_the_record_says_why(load, runner):
    async with awake(load("wake_fails", "ok"), runner) as registry:
        [fine, broken] = sorted(registry.records, key=lambda one: one.slug)

    assert (broken.slug, broken.status, broken.phase) == ("wake-fails", "broken", "startup")
    assert broken.error == "it did not wake: RuntimeError: too early"
    assert "fake_wake_fails.py" in broken.traceback
    assert fine.status == "ready"


async def test_who_does_not_rest_keeps_nobody_else_from_it(plugins, runner, gate, notes, noting):
    async def hangs(self):
        await gate.wait()

    registry = plugins(
        bad={"on_shutdown": raising(RuntimeError("not yet"))}, slow={"on_shutdown": hangs}, good=noting("good")
    )
    async with awake(registry, runner, shutdown_limit_s=0.01):
        pass

    assert notes == ["good wakes", "good rests"]


async def test_a_start_that_is_called_off_lets_all_rest(plugins, runner, gate, notes, noting):
    begun = asyncio.Event()

    async def slow(self):
        begun.set()
        await gate.wait()

    async def start():
        async with awake(plugins(good=noting("good"), slow={**noting("slow"), "on_startup": slow}), runner):
            notes.append("runs")

    starting = asyncio.create_task(start())
    await begun.wait()
    starting.cancel()
    await asyncio.wait([starting])

    assert starting.cancelled()
    assert notes == ["good wakes", "good rests", "slow rests"]


async def test_the_block_s_own_error_is_not_swallowed(plugins, runner, notes, noting):
    with pytest.raises(ValueError, match="ours"):
        async with awake(plugins(one=noting("one")), runner):
            raise ValueError("ours")

    assert notes == ["one wakes", "one rests"]
