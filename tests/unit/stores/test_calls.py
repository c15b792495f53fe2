"""Requests from outside reach plugins within limits that keep one kind of them from starving another."""

import asyncio
from uuid import UUID

import pytest

from pideai_host.api import PluginDefinition, PluginType
from pideai_host.plugins.registry import Hook
from pideai_host.stores.calls import AT_ONCE_FOR_STORE, StoreCalls, TooManyCalls

STORE = UUID(int=1)
PROBE = PluginDefinition(
    slug="probe", name="Probe", version="1", type=PluginType.INTEGRATION, subscribed_events=("order.created",)
)


class Gate:
    """A runner whose calls all wait."""

    def __init__(self):
        self.opened = asyncio.Event()

    async def call(self, hook, arguments, *, limit_s):
        await self.opened.wait()


class Loaded:
    def __init__(self):
        self.definitions = {"probe": PROBE}


def hook(name):
    return Hook(slug="probe", name=name, function=print, argnames=(), is_async=True)


@pytest.fixture
async def calls():
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        made = StoreCalls(Loaded(), gate, None, None, quarantined={})

        def begin(name, store_id=STORE):
            return group.create_task(made.call(hook(name), {}, store_id=store_id))

        made.begin = begin
        yield made
        gate.opened.set()


async def fill(calls, name):
    for _ in range(AT_ONCE_FOR_STORE):
        calls.begin(name)
    await asyncio.sleep(0)


async def test_a_store_has_so_many_calls_of_a_hook_at_once(calls):
    await fill(calls, "handle_webhook")

    with pytest.raises(TooManyCalls):
        await calls.call(hook("handle_webhook"), {}, store_id=STORE)


async def test_a_storm_of_its_providers_leaves_a_stores_owner_places(calls):
    await fill(calls, "handle_webhook")

    route = calls.begin("http_routes")
    await asyncio.sleep(0)

    assert not route.done()


async def test_a_storm_for_one_store_leaves_other_stores_places(calls):
    await fill(calls, "handle_webhook")

    other = calls.begin("handle_webhook", UUID(int=2))
    await asyncio.sleep(0)

    assert not other.done()
