"""Outcomes that the database does not take now: they are kept, written once it does, and hold claims up meanwhile."""

import asyncio
import time

import psycopg
import pytest
from tests.integration.events.conftest import DELIVERED, bring, settle

from pideai_host.events.unwritten import FRESH_S


@pytest.mark.parametrize("error", [psycopg.errors.DiskFull(), psycopg.errors.ReadOnlySqlTransaction()], ids=repr)
async def test_an_outcome_that_finds_no_room_is_written_once_there_is_some(way, shop, until, monkeypatch, error):
    await bring(way, shop)
    [claimed] = await way.claim()
    write, failures = way.settler._write, [error] * 2

    async def find_no_room(lane, batch):
        if failures:
            raise failures.pop()
        await write(lane, batch)

    monkeypatch.setattr(way.settler, "_write", find_no_room)
    monkeypatch.setattr(way.settler._unwritten, "_retry_s", 0.01)
    settling = asyncio.create_task(settle(way, claimed, DELIVERED))
    behind = await until(lambda: _is_behind(way))
    await settling

    assert (behind, way.settler.is_behind, await way.statuses()) == (True, False, ["delivered"])


@pytest.mark.parametrize(
    ("error", "is_behind"),
    [
        (psycopg.OperationalError("the connection is lost"), True),
        (psycopg.errors.ReadOnlySqlTransaction(), True),
        (psycopg.errors.LockNotAvailable(), False),
    ],
    ids=["away", "following", "locked"],
)
async def test_after_a_long_outage_outcomes_are_written_before_more_is_claimed(
    way, shop, until, monkeypatch, error, is_behind
):
    """Their leases have run out: what would be claimed is what they are of. One lane's trouble is nobody else's."""
    await bring(way, shop)
    [claimed] = await way.claim()
    write, kept, trouble = way.settler._write, way.settler._unwritten, [error]

    async def fail(lane, batch):
        if trouble:
            raise trouble[0]
        await write(lane, batch)

    monkeypatch.setattr(way.settler, "_write", fail)
    monkeypatch.setattr(kept, "_retry_s", 0.01)
    settling = asyncio.create_task(settle(way, claimed, DELIVERED))
    await until(lambda: _is_behind(way))
    monkeypatch.setattr(kept, "_monotonic", lambda: time.monotonic() + FRESH_S + 1)
    long_after = way.settler.is_behind
    trouble.clear()
    await settling

    assert (long_after, way.settler.is_behind, await way.statuses()) == (is_behind, False, ["delivered"])


async def test_what_is_given_up_holds_no_claim_up(way, shop, until, monkeypatch):
    await bring(way, shop)
    [claimed] = await way.claim()

    async def fail(_lane, _batch):
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(way.settler, "_write", fail)
    monkeypatch.setattr(way.settler._unwritten, "_retry_s", 0.01)
    settling = asyncio.create_task(settle(way, claimed, DELIVERED))
    await until(lambda: _is_behind(way))
    monkeypatch.setattr(way.settler._unwritten, "_give_up_s", 0.0)
    await settling

    assert not way.settler.is_behind


async def _is_behind(way):
    return way.settler.is_behind


async def test_a_worker_claims_nothing_while_its_outcomes_cannot_be_written(way, shop, monkeypatch):
    await bring(way, shop)
    worker = way.worker()
    monkeypatch.setattr(type(worker._settler), "is_behind", True)
    await worker.start()
    await way.rows("select 1")  # time enough to claim
    await worker.stop()

    assert await way.rows("select read_ct from pgmq.q_pideai_probe") == [(0,)]
