"""Breakers over a real database: what is parked, what is tried, what comes back, and what the owner is told.

The database's clock does not wait for a test: what a cool-down delays is made due by an UPDATE of its end.
"""

import asyncio
from uuid import uuid4

import msgspec
import pytest
from tests.integration.events.conftest import bring

from pideai_host.api import BreakerPolicy, Limits, RetryPolicy, delivered, retry, skipped
from pideai_host.events.breaker_rows import BreakerRows
from pideai_host.events.breakers import Breakers
from pideai_host.events.dispatch import Dispatched
from pideai_host.events.verdict import Verdict

DOWN = retry("the receiver answered 503", response_code=503)


@pytest.fixture
def probe(probe):
    """One call at a time; opens after two failures and waits for good, so that only what a test makes due happens."""
    probe.definition = msgspec.structs.replace(
        probe.definition,
        retry=RetryPolicy(delays_s=(0.01,) * 9, jitter=0.0),
        breaker=BreakerPolicy(failures=2, cool_down_s=600.0),
        limits=Limits(concurrency_per_installation=1),
    )
    return probe


async def state(way, shop):
    return await BreakerRows(way.pool).of_store(shop.store_id)


async def opened(way, shop, probe, until, *, parked=1):
    """Fail until the breaker is open and has parked all of `parked` deliveries."""
    probe.answers = [DOWN, DOWN, *probe.answers]
    await bring(way, shop, parked)

    async def all_parked():
        [found] = await state(way, shop) or [None]
        return found if found and found.parked == parked else None

    return await until(all_parked)


async def cool_down_ends(shop):
    await shop.connection.execute("update pideai_host.breakers set until = now() where phase = 'open'")


async def test_what_is_open_is_told_with_its_reason(working, shop, probe, until):
    found = await opened(working, shop, probe, until)

    assert (found.phase, found.plugin, found.reason, found.closed_at) == ("open", "probe", DOWN.error, None)


async def test_what_is_parked_uses_no_attempt(working, shop, probe, until):
    await opened(working, shop, probe, until, parked=3)
    log = await working.log()

    assert ({row[0] for row in log}, sum(row[1] for row in log), len(probe.calls)) == ({"pending"}, 2, 2)


async def test_the_probes_success_brings_all_back(working, shop, probe, until):
    await opened(working, shop, probe, until, parked=5)
    await cool_down_ends(shop)
    log = await working.done(5)
    [found] = await state(working, shop)

    assert ([row[0] for row in log], found.phase, found.parked) == (["delivered"] * 5, "closed", 0)


async def test_a_failed_probe_is_one_call_and_opens_again_for_longer(working, shop, probe, until):
    first = await opened(working, shop, probe, until, parked=3)
    probe.answers = [DOWN]
    await cool_down_ends(shop)

    async def opened_again():
        [found] = await state(working, shop)
        return found if found.next_probe_at and found.next_probe_at > first.next_probe_at else None

    again = await until(opened_again)
    [[openings]] = await working.rows("select openings from pideai_host.breakers")

    assert (again.phase, openings, len(probe.calls), again.opened_at) == ("open", 2, 3, first.opened_at)


async def test_a_probe_that_reached_nobody_is_followed_by_another(working, shop, probe, until):
    probe.answers = [skipped("not for us"), delivered()]
    await opened(working, shop, probe, until, parked=3)
    await cool_down_ends(shop)

    assert [row[0] for row in await working.done(3)] == ["delivered"] * 3


async def test_a_changed_installation_is_probed_at_once(working, shop, probe, until):
    await opened(working, shop, probe, until, parked=2)
    await shop.connection.execute("update public.store_plugins set revision = revision + 1")

    assert [row[0] for row in await working.done(2)] == ["delivered"] * 2


async def test_the_owner_is_told_once_when_it_opens_and_once_when_it_recovers(working, shop, probe, until):
    await opened(working, shop, probe, until, parked=3)
    await cool_down_ends(shop)
    await working.done(3)

    assert await working.rows(
        "select plugin, level, substr(message, position(' ' in message) + 1, 44) from pideai_host.notices order by id"
    ) == [
        ("probe", "warning", "no está respondiendo (contestó con el código"),
        ("probe", "info", "vuelve a funcionar: lo que estaba en espera "),
    ]


async def test_of_two_workers_one_opens(way, shop, installation):
    one, two = BreakerRows(way.pool), BreakerRows(way.pool)
    values = {"version": 0, "openings": 1, "cool_down_s": 60.0, "reason": "503", "notice": "Aviso"}
    made = await asyncio.gather(one.open(installation, "probe", **values), two.open(installation, "probe", **values))

    assert (sorted(made, key=str), await way.rows("select count(*) from pideai_host.notices")) == ([1, None], [(1,)])


async def test_another_worker_parks_what_one_found_broken(way, shop, installation, probe):
    await BreakerRows(way.pool).open(installation, "probe", version=0, openings=1, cool_down_s=60.0, reason="503")
    await bring(way, shop)
    other = Breakers(BreakerRows(way.pool))
    await other.refresh()
    [claimed] = await way.claim()

    assert other.parks(claimed) is not None


async def test_what_is_parked_after_the_recovery_comes_back(way, shop, installation):
    """A worker that has not read yet that it is closed."""
    await bring(way, shop)
    [claimed] = await way.claim()
    await settle(way, claimed)

    assert dict(await way.queue.promote(10)) == {"pideai_probe": 1}


async def test_what_is_parked_while_it_is_open_stays(way, shop, installation):
    await BreakerRows(way.pool).open(installation, "probe", version=0, openings=1, cool_down_s=60.0)
    await bring(way, shop)
    [claimed] = await way.claim()
    await settle(way, claimed)

    assert dict(await way.queue.promote(10)) == {}


async def settle(way, claimed):
    from datetime import UTC, datetime

    from pideai_host.events.settle import Settled, settlement_of

    parked = Dispatched(Verdict(status="pending", outcome="breaker", park_reason="breaker"))
    settled = Settled(
        lane=claimed.lane,
        plugin="probe",
        settlement=settlement_of(claimed, parked, at=datetime.now(UTC), worker="w"),
        outcome="breaker",
        emitted=(),
    )
    await way.settler.put(settled)


async def test_one_probe_is_on_its_way_at_a_time(way, shop, installation):
    rows = BreakerRows(way.pool, heard_within_s=0.0)
    await rows.open(installation, "probe", version=0, openings=1, cool_down_s=0.0)
    await bring(way, shop, 3)
    for claimed in await way.claim():
        await settle(way, claimed)
    for _ in range(3):
        await rows.probe()
        await shop.connection.execute("update pideai_host.breakers set until = now()")

    assert dict(await way.queue.promote(10)) == {"pideai_probe": 1}


async def test_a_probe_that_got_lost_is_replaced(way, shop, installation):
    rows = BreakerRows(way.pool, heard_within_s=0.0)
    await rows.open(installation, "probe", version=0, openings=1, cool_down_s=0.0)
    await bring(way, shop, 2)
    for claimed in await way.claim():
        await settle(way, claimed)
    await rows.probe()
    await shop.connection.execute(
        """update public.plugin_events_log set status = 'cancelled'
        where id in (select probe_id from pideai_host.breakers)"""
    )
    await shop.connection.execute("update pideai_host.breakers set until = now()")
    await rows.probe()

    assert dict(await way.queue.promote(10)) == {"pideai_probe": 2}


async def test_a_breaker_that_rested_is_forgotten(way, shop, installation):
    rows = BreakerRows(way.pool)
    version = await rows.open(installation, "probe", version=0, openings=1, cool_down_s=0.0)
    await rows.close(installation, version=version, memory_s=0.0, notice="Vuelve")
    await rows.drain()
    await rows.drain()

    assert await rows.read() == []


async def test_uninstalling_ends_the_breaker(way, shop, installation):
    await BreakerRows(way.pool).open(installation, "probe", version=0, openings=1, cool_down_s=60.0)
    await shop.connection.execute("delete from public.store_plugins")

    assert await state(way, shop) == []


async def test_what_the_owner_closes_is_delivered_without_a_probe(working, shop, probe, until):
    await opened(working, shop, probe, until, parked=5)
    found = await BreakerRows(working.pool).reset(shop.store_id, "probe", by="owner")
    log = await working.done(5)

    assert ([row[0] for row in log], found.phase, found.parked) == (["delivered"] * 5, "closed", 5)


async def test_what_the_owner_closes_begins_anew(working, shop, probe, until):
    await opened(working, shop, probe, until)
    await BreakerRows(working.pool).reset(shop.store_id, "probe", by="owner")
    await working.done()

    await until(lambda: forgotten(working))
    assert (await BreakerRows(working.pool).of_plugin(shop.store_id, "probe")).phase == "closed"


async def forgotten(way):
    return not await way.rows("select 1 from pideai_host.breakers")


async def test_the_word_of_a_probe_that_is_under_way_counts_no_more(way, shop, probe, installation):
    rows = BreakerRows(way.pool)
    version = await rows.open(installation, "probe", version=0, openings=1, cool_down_s=0)
    await rows.reset(shop.store_id, "probe", by="owner")

    late = await rows.open(installation, "probe", version=version, openings=2, cool_down_s=60)

    assert (late, (await rows.of_plugin(shop.store_id, "probe")).phase) == (None, "closed")


async def test_a_reset_of_what_is_closed_changes_nothing(way, shop, installation):
    rows = BreakerRows(way.pool)
    before = await rows.reset(shop.store_id, "probe", by="owner")

    assert (before.phase, before.opened_at, await rows.of_store(shop.store_id)) == ("closed", None, [])


async def test_nobody_closes_another_stores_breaker(way, shop, installation):
    rows = BreakerRows(way.pool)
    await rows.open(installation, "probe", version=0, openings=1, cool_down_s=60)

    assert await rows.reset(uuid4(), "probe", by="somebody") is None
    assert (await rows.of_plugin(shop.store_id, "probe")).phase == "open"
