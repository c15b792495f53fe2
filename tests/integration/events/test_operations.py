"""What operators see of the host: processes that live, lanes as they are, breakers and untaken events of all stores."""

from uuid import uuid4

import pytest

from pideai_host.api import delivered, retry
from pideai_host.events.alive import SILENCE_S, Heartbeat, processes
from pideai_host.events.depths import LaneDepths
from pideai_host.events.overview import Overview
from pideai_host.telemetry import LANE_READY, REGISTRY
from pideai_host.web.readiness import Readiness


def heartbeat(pool, *, leads=False, quarantined=None, plugins=None):
    return Heartbeat(
        pool,
        takes_events=True,
        makes_deliveries=plugins is not None,
        leads=lambda: leads,
        quarantined=quarantined or {},
        plugins=lambda: plugins or (),
    )


async def test_a_process_says_that_it_lives_and_what_it_does(pool):
    await heartbeat(pool, leads=True, quarantined={"courier": "it blocks"}).beat()

    (seen,) = await processes(pool)

    assert (seen.takes_events, seen.makes_deliveries, seen.leads, seen.is_alive) == (True, False, True, True)
    assert seen.quarantined == {"courier": "it blocks"}


async def test_a_process_is_one_row_however_often_it_says_so(pool):
    one = heartbeat(pool)

    await one.beat()
    await one.beat()

    assert len(await processes(pool)) == 1


async def test_a_process_that_is_silent_is_taken_for_gone_and_forgotten_after_a_day(pool, admin_conn):
    await heartbeat(pool).beat()
    await admin_conn.execute("update pideai_host.processes set seen_at = now() - interval '61 s'")
    silent = await processes(pool)
    await admin_conn.execute("update pideai_host.processes set seen_at = now() - interval '25 h'")
    await heartbeat(pool).beat()

    assert ([one.is_alive for one in silent], [one.is_alive for one in await processes(pool)]) == ([False], [True])


async def test_a_process_that_ends_in_order_is_gone_at_once(pool, until):
    one = heartbeat(pool)
    await one.start()
    await until(lambda: processes(pool))

    await one.stop()

    assert await processes(pool) == []


async def test_a_host_without_a_living_worker_says_that_it_has_none(pool, admin_conn):
    worker = Heartbeat(pool, takes_events=False, makes_deliveries=True, leads=lambda: False, quarantined={})
    await heartbeat(pool).beat()
    await worker.beat()
    told = []
    for age_s in (59, 61):
        clock = iter([0.0, SILENCE_S, SILENCE_S, SILENCE_S])
        readiness = Readiness(pool, None, worker_running=None, needs_worker=True, monotonic=clock.__next__)
        await admin_conn.execute(
            "update pideai_host.processes set seen_at = now() - make_interval(secs => %s) where makes_deliveries",
            [age_s],
        )
        told.append((await readiness.reasons(), list(readiness.warnings())))

    assert told == [({}, []), ({}, ["worker"])]


async def warned(pool):
    """Say what a host without a worker of its own tells once it has run for a minute."""
    clock = iter([0.0, SILENCE_S, SILENCE_S, SILENCE_S])
    readiness = Readiness(pool, None, worker_running=None, needs_worker=True, monotonic=clock.__next__)
    assert await readiness.reasons() == {}
    return readiness.warnings()


@pytest.mark.parametrize(
    ("plugins", "quarantined", "is_served"),
    [
        (["probe"], {}, True),
        (["courier", "probe"], {}, True),
        (["courier"], {}, False),
        ([], {}, False),
        (["probe"], {"probe": "it blocks"}, False),
    ],
)
async def test_a_plugin_that_no_worker_serves_is_named(pool, admin_conn, installation, plugins, quarantined, is_served):
    await heartbeat(pool, plugins=plugins, quarantined=quarantined).beat()

    (seen,) = await processes(pool)
    told = await warned(pool)
    assert seen.plugins == plugins
    assert list(told) == ([] if is_served else ["plugin probe"])
    assert is_served or "no worker that was seen within 60 s serves its lane" in told["plugin probe"]


async def test_a_plugin_that_no_store_has_enabled_needs_no_worker(pool, admin_conn, installation):
    await admin_conn.execute("update public.store_plugins set enabled = false")
    await heartbeat(pool, plugins=[]).beat()

    assert await warned(pool) == {}


async def test_a_worker_of_an_older_version_serves_all(pool, admin_conn, installation):
    await heartbeat(pool, plugins=[]).beat()
    await admin_conn.execute("update pideai_host.processes set plugins = null")

    assert await warned(pool) == {}


async def test_a_worker_says_whose_lanes_it_serves_as_long_as_they_are_there(way, shop, until):
    worker = way.worker()
    await shop.connection.execute("select pgmq.drop_queue('pideai_probe')")
    before = worker.served
    await worker.start()
    try:
        await until(lambda: settled(not worker.served))
    finally:
        await worker.stop()

    assert before == {"probe"}


async def settled(answer):
    return answer


async def test_lanes_are_counted_with_what_is_claimed_and_the_oldest(way, shop):
    for _ in range(3):
        await way.door.receive(await shop.order())
    await way.claim(1)
    depths = LaneDepths(way.pool)

    await depths.look()

    lane = {one.lane: one for one in await depths.all()}["pideai_probe"]
    assert (lane.ready, lane.claimed, lane.is_capped, lane.oldest_at is not None) == (2, 1, False, True)
    assert LANE_READY.labels(lane="pideai_probe")._value.get() == 2


async def test_who_leads_no_more_tells_nothing_of_lanes(way):
    depths = LaneDepths(way.pool)
    await depths.look()
    depths.forget()

    assert REGISTRY.get_sample_value("pideai_lane_ready", {"lane": "pideai_probe"}) is None


async def test_how_long_it_took_from_the_event_to_the_end_of_a_delivery_is_told(working, shop, probe):
    def counted():
        return REGISTRY.get_sample_value("pideai_delivery_seconds_count", told) or 0.0

    told = {"plugin": "probe", "status": "delivered"}
    before, took_before = counted(), REGISTRY.get_sample_value("pideai_delivery_seconds_sum", told) or 0.0
    probe.answers = [retry("once"), delivered()]
    await working.door.receive(await shop.order())
    await working.done()

    assert counted() == before + 1
    assert REGISTRY.get_sample_value("pideai_delivery_seconds_sum", told) > took_before


async def test_a_lane_that_is_gone_is_forgotten(way, shop):
    depths = LaneDepths(way.pool)
    await depths.look()
    await shop.connection.execute("select pgmq.drop_queue('pideai_probe')")

    await depths.look()

    assert "pideai_probe" not in {one.lane for one in await depths.all()}


async def test_only_breakers_that_are_not_closed_are_listed(way, shop, installation):
    await shop.connection.execute(
        """insert into pideai_host.breakers (installation_id, store_id, plugin, phase, until, openings, revision)
        values (%s, %s, 'probe', 'open', now(), 2, 1), (%s, %s, 'probe', 'closed', now(), 0, 1)""",
        (installation, shop.store_id, *await another(shop)),
    )

    (one,) = await Overview(way.pool).breakers()

    assert (one.store_id, one.plugin, one.phase, one.openings) == (shop.store_id, "probe", "open", 2)


async def another(shop):
    from pideai_host.db.dev import create_demo_store

    store_id = await create_demo_store(shop.connection, owner_id=uuid4(), subdomain="otra", name="Otra")
    cursor = await shop.connection.execute(
        """insert into public.store_plugins (store_id, plugin_id)
        select %s, id from public.plugins where slug = 'probe' returning id""",
        (store_id,),
    )
    return (await cursor.fetchone())[0], store_id


@pytest.mark.parametrize(("enabled", "expected"), [(True, []), (False, [("order.created", 1, 1)])])
async def test_events_that_nobody_took_are_counted_by_type(way, shop, installation, enabled, expected):
    await shop.connection.execute("update public.store_plugins set enabled = %s", (enabled,))
    await way.door.receive(await shop.order())

    found = await Overview(way.pool).untaken(24)

    assert [(one.type, one.events, one.stores) for one in found if one.type == "order.created"] == expected
