"""A plugin's route that is watched: what it shows and each change of it, with nothing of the plugin running between."""

import time
from typing import Any
from uuid import uuid4

import pytest
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException

from pideai_host.api import PluginContext, PluginDefinition, PluginType, StoreUnknown, hookimpl
from pideai_host.web import plugin_watch
from pideai_host.web.state import STATE_KEY

EVERY_S = 0.5


class Probe:
    """Shows `state`, or raises what is there."""

    def __init__(self) -> None:
        self.state: Any = "connecting"
        self.calls = 0
        self.running = 0

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug="probe", name="Probe", version="1", type=PluginType.INTEGRATION, subscribed_events=()
        )

    @hookimpl
    def http_routes(self) -> list[Any]:
        @get("/status/stream", opt={"watched_every_s": EVERY_S})
        async def stream_status(context: NamedDependency[PluginContext]) -> dict[str, str]:
            self.calls += 1
            if isinstance(self.state, Exception):
                raise self.state
            return {"store": str(context.store_id), "state": self.state}

        return [stream_status]


@pytest.fixture
def probe():
    return Probe()


@pytest.fixture
async def host(hosted, probe):
    return await hosted({"probe": probe})


@pytest.fixture
def watching(connect):
    return lambda **more: connect(path="/probe/status/stream", **more)


async def test_what_the_route_shows_comes_first_and_then_each_change(host, probe, watching):
    async with watching() as client:
        first = await client.next()
        probe.state = "open"
        second = await client.next()

    store = str(host.store_id)
    assert (client.status, client.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert client.headers["cache-control"] == "no-store"
    assert [(one.name, one.data) for one in (first, second)] == [
        ("change", {"store": store, "state": "connecting"}),
        ("change", {"store": store, "state": "open"}),
    ]


async def test_what_stays_as_it_is_is_not_told_again(host, probe, watching, until):
    async with watching() as client:
        await client.next()
        await until(lambda: enough(probe, 3))

        assert client.waiting() == []


async def enough(probe, calls):
    return probe.calls >= calls


async def test_a_stream_that_is_open_takes_no_place_of_the_plugins_calls(host, watching, until):
    calls = host.app.state[STATE_KEY].store_calls

    async def nothing_runs():
        return calls._of_hook.total() == 0

    async with watching() as client:
        await client.next()

        assert await until(nothing_runs)


async def test_a_first_look_that_fails_is_answered_as_it_is(host, probe):
    probe.state = NotFoundException("no channel")

    answer = await host.ask("GET", "/probe/status/stream")

    assert (answer.status_code, answer.json()["code"]) == (404, "plugin_refused")


async def test_a_fault_later_ends_the_stream_in_one_word(host, probe, watching):
    async with watching() as client:
        await client.next()
        probe.state = ValueError("with words of its own")
        end = await client.next()

    assert (end.name, end.data) == ("end", {"reason": "plugin_fault"})


async def test_a_plugin_that_is_disabled_ends_its_streams(host, watching):
    async with watching() as client:
        await client.next()
        await host.ask("PUT", "/plugins/probe", json={"enabled": False})
        end = await client.next()

    assert (end.name, end.data) == ("end", {"reason": "plugin_disabled"})


async def test_nobody_else_watches(host, probe, watching):
    stranger = await host.ask("GET", "/probe/status/stream", user_id=uuid4())
    nobody = await host.client.get(f"/api/stores/{host.store_id}/probe/status/stream")

    assert (stranger.json()["code"], nobody.json()["code"], probe.calls) == ("store_unknown", "unauthenticated", 0)


async def test_a_stream_ends_with_its_token(host, watching):
    token = host.signer.token(host.owner_id, exp=int(time.time()) + 1)
    async with watching(token=token) as client:
        await client.next()
        end = await client.next("end")

    assert end.data == {"reason": "token_expired"}


async def test_a_stream_ends_when_the_store_has_changed_hands(host, watching, monkeypatch):
    async with watching() as client:
        await client.next()

        async def refuse(*_: Any) -> None:
            raise StoreUnknown(host.store_id)

        monkeypatch.setattr(plugin_watch, "require_access", refuse)
        monkeypatch.setattr(plugin_watch.time, "monotonic", ahead(100.0))
        end = await client.next("end")

    assert end.data == {"reason": "store_unknown"}


def ahead(by_s):
    really = time.monotonic
    return lambda: really() + by_s


async def test_a_process_that_stops_ends_its_streams(host, watching):
    async with watching() as client:
        await client.next()
        host.app.state[STATE_KEY].live.end_all()
        end = await client.next("end")

    assert end.data == {"reason": "stopping"}
