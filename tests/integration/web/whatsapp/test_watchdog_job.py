"""The job that looks after all stores' channels: whose turn it is, a few at once, and each store's trouble its own."""

import asyncio
from contextlib import AsyncExitStack
from ipaddress import ip_network

import pytest
from pideai_whatsapp.channel import watchdog
from pideai_whatsapp.channel.watchdog import AT_ONCE, FAILURES_MAX, watch_channels

from pideai_host.events.plugin_jobs import HostJob
from pideai_host.events.reach import ReachParts
from pideai_host.outgoing.client import make_client
from pideai_host.web.state import STATE_KEY

SUBDOMAIN = "arepas-probe"


@pytest.fixture
async def job(host, way, operator):
    async with AsyncExitStack() as stack:
        http = make_client(allow=(ip_network("127.0.0.0/8"),))
        stack.push_async_callback(http.aclose)
        state = host.app.state[STATE_KEY]
        parts = ReachParts(pool=way.pool, http=http, environ=operator, calls=state.store_calls, outbox=state.outbox)
        yield HostJob("whatsapp", "watch_channels", parts)


@pytest.fixture
def looked_after(monkeypatch):
    """Note whom the job looks after, in place of asking a provider."""

    class Looks:
        def __init__(self):
            self.stores = []
            self.at_once = 0
            self.most_at_once = 0
            self.answers = True
            self.troubled = None

        async def __call__(self, config, context):
            self.stores.append(context.store_id)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            await asyncio.sleep(0)
            self.at_once -= 1
            if context.store_id == self.troubled:
                raise ValueError("trouble")
            return self.answers

    looks = Looks()
    monkeypatch.setattr(watchdog, "look_after", looks)
    return looks


@pytest.fixture
def channels(host, shop):
    """Make stores with channels that nobody was asked about yet."""

    async def make(count, *, state="open", reason=None, enabled=True):
        made = []
        for _ in range(count):
            store_id = await host.new_store()
            await host.install("whatsapp", store_id=store_id, config={"provider": "evolution"}, enabled=enabled)
            await shop.connection.execute(
                """insert into pideai_whatsapp.channels (store_id, provider, state, reason, since)
                values (%s, 'evolution', %s, %s, now())""",
                (store_id, state, reason),
            )
            made.append(store_id)
        return made

    return make


async def test_a_store_whose_turn_it_is_is_asked_and_not_again_before_its_next(linked, job, age):
    def polls():
        return len([path for _, path in linked.calls if path.startswith("/instance/connectionState")])

    seen = []
    for seconds in (0, 0, 61):
        await age(seconds)
        await watch_channels(job)
        seen.append(polls())

    assert seen == [1, 1, 2]


async def test_many_stores_are_asked_a_few_at_once(job, channels, looked_after):
    stores = await channels(3 * AT_ONCE)
    await watch_channels(job)

    assert set(looked_after.stores) == set(stores)
    assert 1 < looked_after.most_at_once <= AT_ONCE


async def test_one_stores_trouble_is_no_others(job, channels, looked_after):
    stores = await channels(5)
    looked_after.troubled = stores[2]
    await watch_channels(job)

    assert set(looked_after.stores) == set(stores)


async def test_a_provider_that_is_away_is_not_asked_for_every_store(job, channels, looked_after):
    await channels(FAILURES_MAX + 2 * AT_ONCE)
    looked_after.answers = False
    await watch_channels(job)

    assert len(looked_after.stores) <= FAILURES_MAX + AT_ONCE


@pytest.mark.parametrize(
    ("state", "reason", "enabled", "is_asked"),
    [
        ("unlinked", "by_owner", True, False),
        ("unlinked", None, True, True),
        ("closed", "logged_out", True, True),
        ("open", None, False, False),
    ],
)
async def test_who_is_asked(job, channels, looked_after, state, reason, enabled, is_asked):
    stores = await channels(1, state=state, reason=reason, enabled=enabled)
    await watch_channels(job)

    assert looked_after.stores == (stores if is_asked else [])


async def test_a_store_that_is_enabled_is_looked_after_from_then_on(panel, job, shop, evolution, channel):
    """A phone that was linked before the plugin came: its instance learns where to report to."""
    evolution.states[SUBDOMAIN] = "open"
    await shop.connection.execute("update public.whatsapp_settings set is_connected = true")
    for enabled in (False, True):
        answer = await panel.ask("PUT", "/plugins/whatsapp", json={"enabled": enabled})
        assert answer.status_code == 200, answer.text
    await watch_channels(job)

    assert (await channel())["state"] == "open"
    assert str(shop.store_id) in evolution.instances[SUBDOMAIN].webhook["url"]


async def test_old_messages_of_customers_are_forgotten(job, shop, way):
    await shop.connection.execute(
        """insert into pideai_whatsapp.inbound (store_id, message_id, heard_at)
        values (%(store)s, 'old', now() - interval '15 days'), (%(store)s, 'new', now())""",
        {"store": shop.store_id},
    )
    await watch_channels(job)

    assert await way.rows("select message_id from pideai_whatsapp.inbound") == [("new",)]


async def test_a_store_that_comes_back_to_its_linked_phone_finds_it_open(linked, panel, job, age, way):
    """Switching away and back asks for no scan: the instance is still there, and says that it is open."""
    await watch_channels(job)
    for provider in ("console", "evolution"):
        current = await panel.ask("GET", "/plugins/whatsapp")
        answer = await panel.ask(
            "PUT",
            "/plugins/whatsapp",
            json={"config": {"provider": provider}},
            headers={"if-match": current.headers["etag"]},
        )
        assert answer.status_code == 200, answer.text
        shown = await panel.status()
        assert (shown["is_connected"], shown["connected_phone"]) == (provider == "console", None)
    await age(11)
    await watch_channels(job)
    back = await panel.status()

    assert (back["state"], back["connected_phone"]) == ("open", "+584121234567")
    assert (True, "584121234567") in await way.rows(
        "select is_connected, connected_phone from public.whatsapp_settings"
    )
