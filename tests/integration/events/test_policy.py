"""An installation's own policy holds for its deliveries from the next claim on, and for nobody else's."""

import asyncio
import json
from uuid import uuid4

import pytest
from tests.integration.events.conftest import bring

from pideai_host.api import delivered, retry
from pideai_host.db.dev import create_demo_store

DOWN = retry("the receiver answered 503", response_code=503)


@pytest.fixture
def wants(shop, installation):
    """Have the installation want something else than the plugin."""

    async def _wants(**policy):
        await shop.connection.execute(
            "update public.store_plugins set policy = %s, revision = revision + 1 where id = %s",
            (json.dumps(policy) if policy else None, installation),
        )

    return _wants


async def test_a_store_that_wants_one_call_gets_one(working, shop, probe, wants):
    await wants(retry={"delays_s": []})
    probe.answers = [retry("503")] * 9
    await bring(working, shop)

    assert await working.done() == [("failed", 1, "gave up after 1 attempts: 503")]


async def test_growing_delays_end_after_so_many_calls(working, shop, probe, wants):
    await wants(retry={"delays_s": {"base_s": 0.001, "calls": 6}})
    probe.answers = [retry("503")] * 9
    await bring(working, shop)

    assert (await working.done())[0][:2] == ("failed", 6)


async def test_a_change_holds_for_the_next_delivery(working, shop, probe, wants):
    await bring(working, shop)
    await working.done()
    await wants(retry={"delays_s": [0.001]})
    probe.answers = [retry("503")] * 9
    await bring(working, shop)

    assert [row[:2] for row in await working.done(2)] == [("delivered", 1), ("failed", 2)]


async def test_what_a_store_wants_no_more_holds_no_more(working, shop, probe, wants):
    await wants(retry={"delays_s": []})
    await bring(working, shop)
    await working.done()
    await wants()
    probe.answers = [retry("503"), delivered()]
    await bring(working, shop)

    assert [row[:2] for row in await working.done(2)] == [("delivered", 1), ("delivered", 2)]


async def test_a_store_sets_its_own_age(way, shop, probe, wants):
    await wants(max_age_s=60)
    await bring(way, shop)
    await shop.connection.execute("update public.plugin_events set occurred_at = now() - interval '2 minutes'")
    worker = way.worker()
    await worker.start()
    log = await way.done()
    await worker.stop()

    assert (log[0][0], log[0][2], probe.calls) == ("expired", "older than 60 s when its turn came", [])


async def test_a_stores_breaker_opens_when_the_store_wants(working, shop, probe, wants, until):
    await wants(breaker={"failures": 1, "cool_down_s": 600})
    probe.answers = [DOWN]
    await bring(working, shop)

    assert await until(lambda: working.rows("select 1 from pideai_host.breakers where phase = 'open'"))


async def test_a_rate_of_a_store_spreads_its_calls_and_nobody_elses(way, shop, probe, wants, admin_conn, until):
    other = type(shop)(
        admin_conn, await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="other-probe", name="Otra")
    )
    await admin_conn.execute(
        "insert into public.store_plugins (store_id, plugin_id) select %s, id from public.plugins", [other.store_id]
    )
    await wants(limits={"per_store_per_s": 0.01})
    await bring(way, shop, 3)
    await bring(way, other, 3)
    worker = way.worker()
    await worker.start()
    await until(
        lambda: way.rows(
            "select 1 from public.plugin_events_log having count(*) filter (where status = 'delivered') = 4"
            " and count(*) filter (where park_reason = 'rate' and msg_id is null) = 2"
        )
    )
    await worker.stop()

    assert sorted(call.store_id == shop.store_id for call in probe.calls) == [False] * 3 + [True]


async def test_a_store_may_want_fewer_calls_at_once(working, shop, probe, wants):
    running, most = 0, 0

    async def note(_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await wants(limits={"concurrency_per_installation": 1})
    probe.answers = [note] * 5
    await bring(working, shop, 5)
    await working.done(5)

    assert most == 1
