"""Rates over a real database: one moment for each call, whoever asks, and nothing dropped.

The moments are read as waits, and what waits is made due by an UPDATE, so that no test has to wait for them.
"""

import asyncio

import msgspec
import psycopg
import pytest
from tests.integration.events.conftest import bring

from pideai_host.events.rates import Rates

PER_S = 0.01
APART_S = 100


@pytest.fixture
def probe(probe):
    """One call in a hundred seconds: what has to wait waits for longer than any test."""
    limits = msgspec.structs.replace(probe.definition.limits, per_store_per_s=PER_S)
    probe.definition = msgspec.structs.replace(probe.definition, limits=limits)
    return probe


def reserve(way, batch):
    return Rates(way.pool).reserve(batch, {one.installation_id: PER_S for one in batch})


def in_slots(waits):
    return sorted(round(wait_s / APART_S) for wait_s in waits.values())


def parked(way, count):
    async def enough():
        [[found]] = await way.rows(
            "select count(*) from public.plugin_events_log where park_reason = 'rate' and msg_id is null"
        )
        return found == count

    return enough


async def test_the_first_call_is_free_and_the_others_are_spread_evenly(way, shop):
    await bring(way, shop, 4)
    waits = await reserve(way, await way.claim())

    assert in_slots(waits) == [1, 2, 3]


async def test_workers_that_ask_at_once_never_share_a_moment(way, shop):
    await bring(way, shop, 6)
    batches = [await way.claim(count=2) for _ in range(3)]
    waits = await asyncio.gather(*(reserve(way, batch) for batch in batches))

    assert in_slots({**waits[0], **waits[1], **waits[2]}) == [1, 2, 3, 4, 5]


async def test_moments_that_nobody_used_are_not_saved_up(way, shop, installation):
    await shop.connection.execute(
        "insert into pideai_host.rate_slots values (%s, now() - interval '1 day')", (installation,)
    )
    await bring(way, shop, 3)

    assert in_slots(await reserve(way, await way.claim())) == [1, 2]


async def test_what_is_over_is_parked_and_uses_no_attempt(working, shop, probe, until):
    await bring(working, shop, 3)
    await until(parked(working, 2))
    await working.done()

    assert (len(probe.calls), sorted(row[:2] for row in await working.log())) == (
        1,
        [("delivered", 1), ("pending", 0), ("pending", 0)],
    )


async def test_what_has_waited_for_its_moment_does_not_wait_again(working, shop, probe, until):
    await bring(working, shop, 3)
    await until(parked(working, 2))
    await shop.connection.execute(
        "update public.plugin_events_log set next_attempt_at = now() where park_reason = 'rate'"
    )

    assert [row[0] for row in await working.done(3)] == ["delivered"] * 3


async def test_a_database_that_does_not_answer_puts_calls_off(way, shop, probe, monkeypatch, until):
    async def refuse(*_):
        raise psycopg.OperationalError

    monkeypatch.setattr(Rates, "reserve", refuse)
    await bring(way, shop, 1)
    worker = way.worker()
    await worker.start()
    await until(lambda: way.rows("select 1 from public.plugin_events_log where park_reason = 'turn'"))
    await worker.stop()

    assert probe.calls == []
