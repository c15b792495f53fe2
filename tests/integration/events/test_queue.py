"""Claiming, settling and promoting, step by step: who holds a message, and who only thinks so."""

import asyncio
import time
from uuid import uuid5

import psycopg
import pytest
from tests.integration.events.conftest import DELIVERED, NOW, bring, settle

from pideai_host.api import delivered, retry
from pideai_host.db.pool import open_pool
from pideai_host.events import share
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.dispatch import Dispatched
from pideai_host.events.doors import WebhookDoor
from pideai_host.events.intake import Intake
from pideai_host.events.queue import Queue, Wanted
from pideai_host.events.verdict import Verdict, judge
from pideai_host.stores.context import Emitted

CUT = """select pg_terminate_backend(pid) from pg_stat_activity
    where usename = 'pideai_host' and datname = current_database()"""
PARKED = Dispatched(Verdict(status="pending", outcome="retry", uses_attempt=True, delay_s=0.0, park_reason="retry"))


async def test_a_claim_brings_the_event_and_its_installation(way, shop, installation):
    await bring(way, shop)
    [claimed] = await way.claim()

    assert (claimed.type, claimed.installation_id, claimed.status) == ("order.updated", installation, "pending")


async def test_a_claimed_message_is_nobody_elses(way, shop):
    await bring(way, shop)
    await way.claim()

    assert await way.claim() == []


async def test_a_message_is_never_read_before_its_delivery(way, shop, monkeypatch):
    """pgmq.read sees what was committed after the statement around it began; its delivery must be seen as well."""
    monkeypatch.setattr(share, "SHARE", 1_000)  # all in the one lane that is looked at
    bodies = [(await shop.insert())[1] for _ in range(300)]
    done = asyncio.Event()
    claimed = []

    async def claim():
        while not done.is_set():
            claimed.extend(await way.claim())
        claimed.extend(await way.claim(count=300))

    claiming = [asyncio.create_task(claim()) for _ in range(2)]
    for body in bodies:
        await way.door.receive(body)
    done.set()
    await asyncio.gather(*claiming)

    assert (len(claimed), all(one.is_live for one in claimed)) == (300, True)


async def test_a_settled_delivery_leaves_the_lane(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    await settle(way, claimed, DELIVERED)

    assert (await way.log(), await way.rows("select count(*) from pgmq.q_pideai_probe")) == (
        [("delivered", 1, None)],
        [(0,)],
    )


async def test_a_worker_that_lost_its_lease_changes_nothing(way, shop):
    await bring(way, shop)
    [late] = await way.claim(lease_s=0)
    await way.claim()
    await settle(way, late, DELIVERED)

    assert await way.log() == [("pending", 0, None)]


async def test_a_late_outcome_is_kept_as_an_attempt(way, shop):
    await bring(way, shop)
    [late] = await way.claim(lease_s=0)
    await way.claim()
    await settle(way, late, DELIVERED)
    [[history]] = await way.rows("select history from public.plugin_events_log")

    assert [(one["outcome"], one["late"]) for one in history] == [("delivered", True)]


async def test_a_renewed_lease_keeps_others_out(way, shop):
    await bring(way, shop)
    [held] = await way.claim(lease_s=0)
    renewed = await way.queue.renew(held.lane, [held], 60)

    assert (renewed, await way.claim()) == ({held.msg_id}, [])


async def test_a_lost_lease_is_not_renewed(way, shop):
    await bring(way, shop)
    [lost] = await way.claim(lease_s=0)
    await way.claim()

    assert await way.queue.renew(lost.lane, [lost], 60) == set()


async def test_renewing_passes_over_what_is_just_being_settled(way, shop):
    await bring(way, shop)
    [held] = await way.claim()
    async with way.pool.connection() as other, other.transaction():
        await other.execute("select from pgmq.q_pideai_probe for update")
        renewed = await way.queue.renew(held.lane, [held], 60)

    assert renewed == set()


async def test_what_is_parked_is_out_of_the_lane(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    await settle(way, claimed, PARKED)
    [row] = await way.rows("select status, msg_id, next_attempt_at is not null from public.plugin_events_log")

    assert (row, await way.claim()) == (("pending", None, True), [])


async def test_what_is_due_comes_back_once(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    await settle(way, claimed, PARKED)
    promoted = [dict(await way.queue.promote(10)), dict(await way.queue.promote(10))]
    [again] = await way.claim()

    assert (promoted, again.id, again.attempts) == ([{"pideai_probe": 1}, {}], claimed.id, 1)


async def test_a_message_of_an_earlier_turn_is_not_current(way, shop):
    await bring(way, shop)
    await way.rows(
        """select * from pgmq.send('pideai_probe', (select jsonb_build_object('d', id, 'at', created_at)
        from public.plugin_events_log))"""
    )

    assert sorted(one.is_current for one in await way.claim()) == [False, True]


async def test_an_emitted_event_is_written_with_the_outcome(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    emitted = Emitted(
        uuid5(claimed.id, "paid"), "payment.completed", {"paymentId": "1", "amount": 5, "currency": "USD"}
    )
    await settle(way, claimed, Dispatched(DELIVERED.verdict, 1, (emitted,)))

    assert await way.rows("select id, source from public.plugin_events where type = 'payment.completed'") == [
        (emitted.id, "emit")
    ]


async def test_emitted_events_happened_by_the_databases_clock_one_after_the_other(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    emitted = tuple(
        Emitted(uuid5(claimed.id, key), "payment.completed", {"paymentId": key, "amount": 5, "currency": "USD"})
        for key in ("b", "a", "c")
    )
    await settle(way, claimed, Dispatched(DELIVERED.verdict, 1, emitted))
    found = await way.rows(
        """select payload ->> 'paymentId', now() - occurred_at between '0' and '10 s'
        from public.plugin_events where type = 'payment.completed' order by occurred_at"""
    )

    assert found == [("b", True), ("a", True), ("c", True)]


async def test_an_outcome_whose_answer_was_lost_is_noted_once_when_it_is_written_again(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    await settle(way, claimed, DELIVERED)
    await settle(way, claimed, DELIVERED)
    [(status, history)] = await way.rows("select status, history from public.plugin_events_log")

    assert (status, [one.get("late", False) for one in history]) == ("delivered", [False])


async def test_of_two_claims_in_one_batch_the_living_one_counts(way, shop):
    await bring(way, shop)
    [old] = await way.claim(lease_s=0)
    [new] = await way.claim()
    await asyncio.gather(settle(way, old, PARKED), settle(way, new, DELIVERED))

    assert await way.statuses() == ["delivered"]


async def test_an_emitted_event_that_the_database_refuses_costs_neither_the_outcome_nor_the_settler(way, shop):
    for _ in range(2):
        await bring(way, shop)
    first, second = await way.claim()
    emitted = Emitted(uuid5(first.id, "paid"), "payment.completed", {"paymentId": "\x00"})
    await settle(way, first, Dispatched(DELIVERED.verdict, 1, (emitted,)))
    await settle(way, second, DELIVERED)

    assert [(status, bool(error)) for status, _, error in await way.log()] == [
        ("delivered", True),
        ("delivered", False),
    ]


async def test_a_lane_is_told_of_once_its_messages_are_committed(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    way.lanes.clear()
    found = []
    way.settler._intake._on_lanes = lambda lanes: found.append(asyncio.ensure_future(way.claim()))
    emitted = Emitted(
        uuid5(claimed.id, "paid"), "payment.completed", {"paymentId": "1", "amount": 5, "currency": "USD"}
    )
    await settle(way, claimed, Dispatched(DELIVERED.verdict, 1, (emitted,)))

    assert sum(len(claimed) for claimed in await asyncio.gather(*found)) == 1


async def test_an_event_is_kept_although_every_connection_of_the_pool_was_cut(way, shop, database):
    """Each attempt would be lent another dead connection if the first one did not have them all thrown out."""
    order_id, _ = await shop.insert()
    body = await shop.move(order_id, "confirmed")
    async with open_pool(database.runtime_url, min_size=8, max_size=8, check=False) as pool:
        directory = StoreDirectory(pool, monotonic=time.monotonic)
        intake = Intake(pool, directory, on_lanes=way.lanes.append)
        await intake.start()
        await shop.connection.execute(CUT)
        ids = await WebhookDoor(pool, directory, intake, now=lambda: NOW).receive(body)
        await intake.stop()

    assert len(ids) == 2


async def test_after_a_cut_the_second_claim_finds_a_living_connection(way, shop, database):
    await bring(way, shop)
    async with open_pool(database.runtime_url, min_size=4, max_size=4, check=False) as pool:
        queue = Queue(pool)
        await shop.connection.execute(CUT)
        with pytest.raises(psycopg.OperationalError):
            await queue.claim([Wanted("pideai_probe", 10, 60)])

        assert len(await queue.claim([Wanted("pideai_probe", 10, 60)])) == 1


async def test_a_worker_that_lost_its_lease_emits_nothing(way, shop):
    await bring(way, shop)
    [late] = await way.claim(lease_s=0)
    await way.claim()
    emitted = Emitted(uuid5(late.id, "paid"), "payment.completed", {"paymentId": "1"})
    await settle(way, late, Dispatched(DELIVERED.verdict, 1, (emitted,)))

    assert await way.rows("select count(*) from public.plugin_events where type = 'payment.completed'") == [(0,)]


async def test_details_that_the_database_refuses_do_not_cost_the_outcome(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    result = judge(
        delivered({"answer": "\x00"}, response_body="a\x00b"),
        probe_retry(way),
        repeat_safe=False,
        calls=1,
        waited_s=0,
        random=float,
    )
    await settle(way, claimed, Dispatched(result))

    assert await way.statuses() == ["delivered"]


async def test_long_answers_are_cut_and_strange_ones_are_storable(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    result = judge(
        retry("\ud800" + "x" * 5_000, response_body="\x00" * 10 + "y" * 5_000),
        probe_retry(way),
        repeat_safe=False,
        calls=4,
        waited_s=0,
        random=float,
    )
    await settle(way, claimed, Dispatched(result))
    [row] = await way.rows("select length(response_body) <= 2048, status from public.plugin_events_log")

    assert row == (True, "failed")


def probe_retry(way):
    return way.registry.definitions["probe"].retry


async def test_what_was_found_disabled_comes_back_if_it_was_enabled_meanwhile(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    disabled = Verdict(status="pending", outcome="disabled", park_reason="disabled")
    await settle(way, claimed, Dispatched(disabled))

    assert dict(await way.queue.promote(10)) == {"pideai_probe": 1}


async def test_what_is_disabled_stays_parked(way, shop):
    await bring(way, shop)
    [claimed] = await way.claim()
    await shop.connection.execute("update public.store_plugins set enabled = false")
    disabled = Verdict(status="pending", outcome="disabled", park_reason="disabled")
    await settle(way, claimed, Dispatched(disabled))

    assert dict(await way.queue.promote(10)) == {}
