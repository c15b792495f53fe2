"""Deliveries in order: who goes, who waits for whom, what is late, and that nobody waits for nothing."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from pideai_host.api import failed, retry, sent, unknown, wait
from pideai_host.events.ordering import Ordering, leave
from pideai_host.events.queue import Wanted
from pideai_host.events.replay import Replays
from pideai_host.events.replay_write import Order
from pideai_host.plugins.lanes import bulk_lane, main_lane

BEGINNING = datetime(2026, 11, 28, tzinfo=UTC)
"""The instant of version 0."""

LANE = main_lane("probe")
BULK = bulk_lane("probe")
OVER = ("delivered", "sent", "failed", "unknown", "expired", "cancelled")


def versions_of(calls):
    return [(call.timestamp - BEGINNING) // timedelta(microseconds=1) for call in calls]


# what waits


async def test_a_successor_is_parked_until_its_predecessor_is_over(orders):
    await orders.bring(1, 2)

    assert await orders.states() == {1: "queued", 2: "order"}


async def test_what_comes_together_is_in_order_too(orders, way):
    await way.intake.put([orders.event(2), orders.event(1), orders.event(3)])

    assert await orders.states() == {1: "queued", 2: "order", 3: "order"}


@pytest.mark.parametrize("status", OVER)
async def test_whatever_ends_a_delivery_lets_the_next_follow(orders, status):
    await orders.bring(1, 2, 3)
    [first] = await orders.begin()
    await orders.finish(first, status)

    assert await orders.states() == {1: status, 2: "queued", 3: "order"}


async def test_a_successor_whose_lane_is_missing_is_due_until_the_lane_exists(orders):
    await orders.bring(1, 2)
    [first] = await orders.begin()
    await orders.settle(first)
    await orders.do("select pgmq.drop_queue('pideai_probe')")
    await leave(orders.way.pool, orders.members([first]))
    [due] = await orders.way.rows(
        "select next_attempt_at <= now() from public.plugin_events_log where status = 'pending'"
    )

    assert due == (True,)


@pytest.mark.parametrize("reason", ["retry", "wait", "items", "rate", "turn", "breaker"])
async def test_what_is_parked_for_another_reason_still_holds_its_successors(orders, reason):
    await orders.bring(1, 2)
    [first] = await orders.begin()
    await orders.settle(first, "pending", park_reason=reason, delay_s=600.0)

    assert await orders.states() == {1: reason, 2: "order"}


async def test_other_entities_go_on(orders):
    await orders.bring(1, 2)
    await orders.bring(11, entity="two")

    assert await orders.states() == {1: "queued", 2: "order", 11: "queued"}


async def test_one_that_comes_between_takes_its_place_while_its_successor_has_not_begun(orders):
    await orders.bring(1, 3, 2)
    [first] = await orders.begin()
    await orders.finish(first)

    assert await orders.states() == {1: "delivered", 2: "queued", 3: "order"}


async def test_one_that_is_queued_goes_back_when_its_predecessor_comes_before_it_has_begun(orders):
    await orders.bring(2, 1)
    [first] = await orders.begin()

    assert (first.is_late, await orders.states()) == (False, {1: "queued", 2: "order"})


async def test_equals_do_not_wait_for_each_other(orders, way):
    await way.intake.put([orders.event(1), orders.event(1)])

    assert len(await orders.begin()) == 2


async def test_what_is_about_no_entity_is_in_no_order(orders, way):
    await orders.bring(1, 2, entity=None)

    assert (await orders.states(), await way.rows("select count(*) from pideai_host.ordered_deliveries")) == (
        {1: "queued", 2: "queued"},
        [(0,)],
    )


async def test_order_holds_across_lanes(orders, way):
    await orders.bring(1)
    await orders.do("update public.plugin_events_log set lane = %s, next_attempt_at = now()", BULK)
    await way.queue.promote(10)
    await orders.bring(2)
    [first] = await way.queue.claim([Wanted(BULK, 10, 60)])
    await orders.finish(first)
    [[lane]] = await way.rows("select lane from public.plugin_events_log where msg_id is not null")

    assert (await orders.states(), lane) == ({1: "delivered", 2: "queued"}, "pideai_probe")


async def test_a_duplicate_changes_nothing(orders, way):
    twice = orders.event(1)
    await way.intake.put([twice])
    await way.intake.put([twice, orders.event(2)])
    await way.intake.put([twice])

    assert await orders.states() == {1: "queued", 2: "order"}


# what is late


async def test_an_older_event_is_late_once_a_later_one_has_begun_and_goes_at_once(orders):
    await orders.bring(2)
    await orders.begin()
    await orders.bring(1)
    [late] = await orders.begin()

    assert (late.is_late, await orders.states()) == (True, {1: "queued", 2: "queued"})


async def test_an_older_event_is_late_when_the_later_one_is_over(orders, way):
    await orders.bring(2)
    [later] = await orders.begin()
    await orders.finish(later)
    await orders.bring(1)

    assert await way.rows("select is_late from public.plugin_events_log where status = 'pending'") == [(True,)]


async def test_nobody_waits_for_what_is_late(orders):
    await orders.bring(2)
    [later] = await orders.begin()
    await orders.bring(1, 3)
    await orders.finish(later)

    assert await orders.states() == {1: "queued", 2: "delivered", 3: "queued"}


async def test_a_plugin_is_told_that_an_event_is_late(orders, working, probe):
    await orders.bring(2)
    await working.done()
    await orders.bring(1)
    await working.done(2)

    assert [call.metadata.get("late") for call in probe.calls] == [None, True]


async def test_what_was_begun_but_put_off_makes_nothing_late(orders, way):
    await orders.bring(2)
    [later] = await way.claim()
    await Ordering(way.pool).begin([later], {later.id})
    await orders.settle(later, "pending", park_reason="rate", delay_s=600.0)
    await orders.bring(1, 3)

    assert (await orders.states(), await way.rows("select bool_or(is_late) from public.plugin_events_log")) == (
        {1: "queued", 2: "rate", 3: "order"},
        [(False,)],
    )


# who asks for it


async def test_a_plugin_that_asks_for_no_order_has_none_and_leaves_no_trace(orders, way):
    await orders.do("update public.plugins set ordered = false")
    await orders.bring(1, 2)

    assert (await orders.states(), await way.rows("select * from pideai_host.ordered_entities")) == (
        {1: "queued", 2: "queued"},
        [],
    )


@pytest.mark.parametrize(("of_plugin", "of_installation"), [(False, True), (True, False)])
async def test_an_installation_may_want_it_otherwise(orders, of_plugin, of_installation):
    await orders.do("update public.plugins set ordered = %s", of_plugin)
    await orders.do(
        "update public.store_plugins set policy = jsonb_build_object('ordered', %s::boolean)", of_installation
    )
    await orders.bring(1, 2)

    assert await orders.states() == {1: "queued", 2: "order" if of_installation else "queued"}


async def test_what_waits_is_let_go_also_after_order_was_switched_off(orders):
    await orders.bring(1, 2)
    await orders.do("update public.plugins set ordered = false")
    [first] = await orders.begin()
    await orders.finish(first)

    assert await orders.states() == {1: "delivered", 2: "queued"}


# disabled, uninstalled, replayed


async def resume(orders):
    await orders.do("update public.plugin_events_log set next_attempt_at = now() where park_reason = 'disabled'")


async def test_what_was_disabled_comes_back_in_order(orders, way):
    await orders.bring(1, 2, 3)
    await orders.do("select pgmq.purge_queue('pideai_probe')")
    await orders.do("update public.plugin_events_log set park_reason = 'disabled', msg_id = null")
    await resume(orders)
    await way.queue.promote(10)
    ready = await orders.begin()

    assert (len(ready), await orders.states()) == (1, {1: "queued", 2: "order", 3: "order"})


async def test_the_net_lets_go_of_what_was_settled_elsewhere(orders):
    await orders.bring(1, 2)
    await orders.do("update public.plugin_events_log set status = 'cancelled', msg_id = null where msg_id is not null")
    await orders.upkeep().mend()

    assert await orders.states() == {1: "cancelled", 2: "queued"}


async def test_a_replayed_delivery_goes_at_once_and_holds_nobody(orders, way):
    await orders.bring(1)
    [first] = await orders.begin()
    await orders.finish(first, "failed")
    await orders.bring(2)
    await orders.do(
        "update public.plugin_events_log set status = 'pending', next_attempt_at = now() where status = 'failed'"
    )
    await way.queue.promote(10)

    assert len(await orders.begin()) == 2


# nothing stays behind


async def test_a_crash_between_settling_and_leaving_only_delays(orders):
    await orders.bring(1, 2)
    [first] = await orders.begin()
    await orders.settle(first)
    before = await orders.states()
    await orders.upkeep().mend()

    assert (before, await orders.states()) == ({1: "delivered", 2: "order"}, {1: "delivered", 2: "queued"})


async def test_one_parked_after_its_predecessor_has_left_follows_at_once(orders, way):
    await orders.bring(2, 1)
    batch = await way.claim()
    behind = await Ordering(way.pool).begin(batch, ())
    first, second = sorted(batch, key=lambda one: one.id in behind)
    await orders.finish(first)
    await orders.park(second)

    assert await orders.states() == {1: "delivered", 2: "queued"}


async def test_the_net_changes_nothing_where_all_is_well(orders):
    await orders.bring(1, 2, 3)
    before = await orders.states()
    has_more = await orders.upkeep().mend()

    assert (has_more, await orders.states()) == (False, before)


async def test_the_net_looks_at_a_bounded_number_and_goes_on_from_there(orders, way, monkeypatch):
    monkeypatch.setattr("pideai_host.events.ordering.PAGE", 2)
    for entity in ("a", "b", "c"):
        await orders.bring(1, 2, entity=entity)
    await orders.do("update public.plugin_events_log set status = 'cancelled', msg_id = null where msg_id is not null")
    keeper = orders.upkeep()
    passes = [await keeper.mend() for _ in range(4)]
    [[queued]] = await way.rows("select count(*) from public.plugin_events_log where msg_id is not null")

    assert (passes, queued) == ([True, True, True, False], 3)


async def age(orders, days):
    await orders.do(
        "update pideai_host.ordered_entities set created_at = now() - t, updated_at = now() - t from (select %s) a (t)",
        timedelta(days=days),
    )


@pytest.mark.parametrize(("days", "left"), [(13, 1), (15, 0)])
async def test_entities_are_forgotten_after_14_days(orders, way, days, left):
    await orders.bring(1)
    [first] = await orders.begin()
    await orders.finish(first)
    await age(orders, days)
    await orders.upkeep().prune()

    assert await way.rows("select count(*) from pideai_host.ordered_entities") == [(left,)]


async def test_an_entity_that_has_something_pending_is_not_forgotten(orders, way):
    await orders.bring(1)
    await age(orders, 99)
    await orders.upkeep().prune()

    assert await way.rows("select count(*) from pideai_host.ordered_entities") == [(1,)]


# the whole way


async def test_calls_come_in_order_though_the_events_did_not(orders, way, probe):
    await orders.bring(3, 1, 4, 2)
    worker = way.worker()
    await worker.start()
    await way.done(4)
    await worker.stop()

    assert versions_of(probe.calls) == [1, 2, 3, 4]


@pytest.mark.parametrize("answer", [failed("no"), unknown("lost"), sent()])
async def test_one_that_fails_for_good_holds_nobody(orders, working, probe, answer):
    probe.answers = [answer]
    await orders.bring(1, 2)
    await working.done(2)

    assert versions_of(probe.calls) == [1, 2]


@pytest.mark.parametrize("answer", [retry("503"), wait("the channel is down", retry_after_s=600.0)])
async def test_a_retry_holds_its_successors_and_no_other_order(orders, working, probe, answer, until):
    probe.answers = [answer]
    await orders.bring(1, 2)
    await until(lambda: working.rows("select 1 from public.plugin_events_log where next_attempt_at is not null"))
    await orders.bring(11, entity="two")
    await working.done()
    held = versions_of(probe.calls)
    await orders.do("update public.plugin_events_log set next_attempt_at = now() where next_attempt_at is not null")
    await working.done(3)

    assert (held, versions_of(probe.calls)) == ([1, 11], [1, 11, 1, 2])


async def test_an_order_is_told_of_from_its_creation_on(way, shop, probe):
    order_id, created = await shop.insert()
    bodies = [await shop.move(order_id, status) for status in ("confirmed", "ready")]
    for body in (*reversed(bodies), created):
        await way.door.receive(body)
    await shop.add_items(order_id)
    worker = way.worker()
    await worker.start()
    await way.done(4)
    await worker.stop()

    assert [call.type for call in probe.calls] == ["order.created", "order.updated", "order.updated", "order.ready"]


async def test_a_database_that_does_not_answer_puts_calls_off(orders, way, probe, monkeypatch, until):
    async def refuse(*_):
        raise psycopg.OperationalError

    monkeypatch.setattr(Ordering, "begin", refuse)
    await orders.bring(1)
    worker = way.worker()
    await worker.start()
    await until(lambda: way.rows("select 1 from public.plugin_events_log where park_reason = 'turn'"))
    await worker.stop()

    assert probe.calls == []


# replays are in no order


async def test_what_is_replayed_before_it_left_its_order_holds_up_nobody(orders, way, shop):
    await orders.bring(1, 2)
    [first] = await orders.begin()
    await orders.settle(first, "failed")
    lanes = []
    await Replays(way.pool, on_lanes=lanes.append).delivery(shop.store_id, first.id, Order("user 7", uuid4()))

    assert await orders.states() == {1: "queued", 2: "queued"}
    assert lanes == [{LANE, BULK}]
    assert [one.place for one in await way.queue.claim([Wanted(BULK, 10, 60)])] == [None]


async def test_what_is_replayed_waits_for_nobody(orders, way, shop):
    await orders.bring(1)
    [first] = await orders.begin()
    await orders.finish(first, "failed")
    await orders.bring(2, 3)
    await Replays(way.pool, on_lanes=lambda _: None).delivery(shop.store_id, first.id, Order("user 7", uuid4()))

    assert await orders.states() == {1: "queued", 2: "queued", 3: "order"}
    [again] = await way.queue.claim([Wanted(BULK, 10, 60)])
    assert await Ordering(way.pool).begin([again], ()) == ()
