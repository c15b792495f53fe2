"""Deliveries in order: who goes, who waits for whom, what is late, and that nobody waits for nothing."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import psycopg
import pytest

from pideai_host.api import RetryPolicy, failed, retry, sent, unknown, wait
from pideai_host.events.dispatch import Dispatched
from pideai_host.events.ordering import Member, Ordering, OrderUpkeep, leave
from pideai_host.events.queue import Wanted
from pideai_host.events.replay import Replays
from pideai_host.events.replay_write import Order
from pideai_host.events.settle import Settled, settlement_of
from pideai_host.events.sources import NewEvent
from pideai_host.events.verdict import Verdict
from pideai_host.plugins.lanes import bulk_lane, main_lane

LANE = main_lane("probe")
BULK = bulk_lane("probe")
NOW = datetime(2026, 11, 28, tzinfo=UTC)
OVER = ("delivered", "sent", "failed", "unknown", "expired", "cancelled")
STATE = """select e.occurred_at, d.status, coalesce(d.park_reason, case when d.msg_id is null then '' else 'queued' end)
    from public.plugin_events_log d join public.plugin_events e on e.id = d.event_id order by e.occurred_at"""


@pytest.fixture
def probe(probe):
    """Asks for order; what is to be tried again is tried when a test makes it due."""
    probe.definition = msgspec.structs.replace(
        probe.definition, ordered=True, retry=RetryPolicy(delays_s=(600.0, 600.0), jitter=0.0), breaker=None
    )
    return probe


def event(shop, version, entity="one", kind="order.updated"):
    return NewEvent(
        id=uuid4(),
        store_id=shop.store_id,
        type=kind,
        payload=msgspec.Raw(
            b'{"orderId":"%b","orderNumber":"1","status":"ready","customerName":"Ana",'
            b'"customerPhone":null,"orderType":"pickup","total":1,"currency":"USD"}' % str(uuid4()).encode()
        ),
        occurred_at=NOW + timedelta(microseconds=version),
        source="test",
        entity_id=entity,
    )


async def bring(way, shop, *versions, entity="one"):
    """Bring versions of one entity, one after the other."""
    for version in versions:
        await way.intake.put([event(shop, version, entity)])


async def states(way):
    """Version -> what holds it: queued, the reason for which it is parked, or its final status."""
    rows = await way.rows(STATE)
    return {
        (at - NOW) // timedelta(microseconds=1): where if status == "pending" else status for at, status, where in rows
    }


async def settle(way, claimed, status="delivered", *, delay_s=None, park_reason=None):
    """Write an outcome, and no more: as by a worker that dies then."""
    verdict = Verdict(status=status, outcome=status, delay_s=delay_s, park_reason=park_reason)
    settlement = settlement_of(claimed, Dispatched(verdict), at=NOW, worker="w")
    await way.settler.put(Settled(lane=claimed.lane, plugin="probe", settlement=settlement, outcome=status))


async def finish(way, claimed, status="delivered"):
    await settle(way, claimed, status)
    await leave(way.pool, [member(claimed)])


async def park(way, claimed):
    await settle(way, claimed, "pending", park_reason="order")
    await leave(way.pool, [member(claimed)])


def member(claimed):
    return Member(claimed.installation_id, claimed.entity_id, claimed.id)


def upkeep(way):
    return OrderUpkeep(way.pool, on_lanes=way.intake.tell)


async def begun(way):
    """Claim what is ready and begin it, as a worker does; what is behind is parked."""
    batch = await way.claim()
    behind = await Ordering(way.pool).begin(batch, ())
    for one in batch:
        if one.id in behind:
            await park(way, one)
    return [one for one in batch if one.id not in behind]


def versions_of(calls):
    return [(call.timestamp - NOW) // timedelta(microseconds=1) for call in calls]


# what waits


async def test_a_successor_is_parked_until_its_predecessor_is_over(way, shop):
    await bring(way, shop, 1, 2)

    assert await states(way) == {1: "queued", 2: "order"}


async def test_what_comes_together_is_in_order_too(way, shop):
    await way.intake.put([event(shop, 2), event(shop, 1), event(shop, 3)])

    assert await states(way) == {1: "queued", 2: "order", 3: "order"}


@pytest.mark.parametrize("status", OVER)
async def test_whatever_ends_a_delivery_lets_the_next_follow(way, shop, status):
    await bring(way, shop, 1, 2, 3)
    [first] = await begun(way)
    await finish(way, first, status)

    assert await states(way) == {1: status, 2: "queued", 3: "order"}


@pytest.mark.parametrize("reason", ["retry", "wait", "items", "rate", "turn", "breaker"])
async def test_what_is_parked_for_another_reason_still_holds_its_successors(way, shop, reason):
    await bring(way, shop, 1, 2)
    [first] = await begun(way)
    await settle(way, first, "pending", park_reason=reason, delay_s=600.0)

    assert await states(way) == {1: reason, 2: "order"}


async def test_other_entities_go_on(way, shop):
    await bring(way, shop, 1, 2)
    await bring(way, shop, 11, entity="two")

    assert await states(way) == {1: "queued", 2: "order", 11: "queued"}


async def test_one_that_comes_between_takes_its_place_while_its_successor_has_not_begun(way, shop):
    await bring(way, shop, 1, 3, 2)
    [first] = await begun(way)
    await finish(way, first)

    assert await states(way) == {1: "delivered", 2: "queued", 3: "order"}


async def test_one_that_is_queued_goes_back_when_its_predecessor_comes_before_it_has_begun(way, shop):
    await bring(way, shop, 2, 1)
    [first] = await begun(way)

    assert (first.is_late, await states(way)) == (False, {1: "queued", 2: "order"})


async def test_equals_do_not_wait_for_each_other(way, shop):
    await way.intake.put([event(shop, 1), event(shop, 1)])

    assert len(await begun(way)) == 2


async def test_what_is_about_no_entity_is_in_no_order(way, shop):
    await bring(way, shop, 1, 2, entity=None)

    assert (await states(way), await way.rows("select count(*) from pideai_host.ordered_deliveries")) == (
        {1: "queued", 2: "queued"},
        [(0,)],
    )


async def test_order_holds_across_lanes(way, shop):
    await bring(way, shop, 1)
    await shop.connection.execute("update public.plugin_events_log set lane = %s, next_attempt_at = now()", (BULK,))
    await way.queue.promote(10)
    await bring(way, shop, 2)
    [first] = await way.queue.claim([Wanted(BULK, 10, 60)])
    await finish(way, first)
    [[lane]] = await way.rows("select lane from public.plugin_events_log where msg_id is not null")

    assert (await states(way), lane) == ({1: "delivered", 2: "queued"}, "pideai_probe")


async def test_a_duplicate_changes_nothing(way, shop):
    twice = event(shop, 1)
    await way.intake.put([twice])
    await way.intake.put([twice, event(shop, 2)])
    await way.intake.put([twice])

    assert await states(way) == {1: "queued", 2: "order"}


# what is late


async def test_an_older_event_is_late_once_a_later_one_has_begun_and_goes_at_once(way, shop):
    await bring(way, shop, 2)
    await begun(way)
    await bring(way, shop, 1)
    [late] = await begun(way)

    assert (late.is_late, await states(way)) == (True, {1: "queued", 2: "queued"})


async def test_an_older_event_is_late_when_the_later_one_is_over(way, shop):
    await bring(way, shop, 2)
    [later] = await begun(way)
    await finish(way, later)
    await bring(way, shop, 1)

    assert await way.rows("select is_late from public.plugin_events_log where status = 'pending'") == [(True,)]


async def test_nobody_waits_for_what_is_late(way, shop):
    await bring(way, shop, 2)
    [later] = await begun(way)
    await bring(way, shop, 1, 3)
    await finish(way, later)

    assert await states(way) == {1: "queued", 2: "delivered", 3: "queued"}


async def test_a_plugin_is_told_that_an_event_is_late(working, shop, probe):
    await bring(working, shop, 2)
    await working.done()
    await bring(working, shop, 1)
    await working.done(2)

    assert [call.metadata.get("late") for call in probe.calls] == [None, True]


async def test_what_was_begun_but_put_off_makes_nothing_late(way, shop):
    await bring(way, shop, 2)
    [later] = await way.claim()
    await Ordering(way.pool).begin([later], {later.id})
    await settle(way, later, "pending", park_reason="rate", delay_s=600.0)
    await bring(way, shop, 1, 3)

    assert (await states(way), await way.rows("select bool_or(is_late) from public.plugin_events_log")) == (
        {1: "queued", 2: "rate", 3: "order"},
        [(False,)],
    )


# who asks for it


async def test_a_plugin_that_asks_for_no_order_has_none_and_leaves_no_trace(way, shop):
    await shop.connection.execute("update public.plugins set ordered = false")
    await bring(way, shop, 1, 2)

    assert (await states(way), await way.rows("select * from pideai_host.ordered_entities")) == (
        {1: "queued", 2: "queued"},
        [],
    )


@pytest.mark.parametrize(("of_plugin", "of_installation"), [(False, True), (True, False)])
async def test_an_installation_may_want_it_otherwise(way, shop, of_plugin, of_installation):
    await shop.connection.execute("update public.plugins set ordered = %s", (of_plugin,))
    await shop.connection.execute(
        "update public.store_plugins set policy = jsonb_build_object('ordered', %s::boolean)", (of_installation,)
    )
    await bring(way, shop, 1, 2)

    assert await states(way) == {1: "queued", 2: "order" if of_installation else "queued"}


async def test_what_waits_is_let_go_also_after_order_was_switched_off(way, shop):
    await bring(way, shop, 1, 2)
    await shop.connection.execute("update public.plugins set ordered = false")
    [first] = await begun(way)
    await finish(way, first)

    assert await states(way) == {1: "delivered", 2: "queued"}


# disabled, uninstalled, replayed


async def resume(shop):
    await shop.connection.execute(
        "update public.plugin_events_log set next_attempt_at = now() where park_reason = 'disabled'"
    )


async def test_what_was_disabled_comes_back_in_order(way, shop):
    await bring(way, shop, 1, 2, 3)
    await shop.connection.execute("select pgmq.purge_queue('pideai_probe')")
    await shop.connection.execute("update public.plugin_events_log set park_reason = 'disabled', msg_id = null")
    await resume(shop)
    await way.queue.promote(10)
    ready = await begun(way)

    assert (len(ready), await states(way)) == (1, {1: "queued", 2: "order", 3: "order"})


async def test_the_net_lets_go_of_what_was_settled_elsewhere(way, shop):
    await bring(way, shop, 1, 2)
    await shop.connection.execute(
        "update public.plugin_events_log set status = 'cancelled', msg_id = null where msg_id is not null"
    )
    await upkeep(way).mend()

    assert await states(way) == {1: "cancelled", 2: "queued"}


async def test_a_replayed_delivery_goes_at_once_and_holds_nobody(way, shop):
    await bring(way, shop, 1)
    [first] = await begun(way)
    await finish(way, first, "failed")
    await bring(way, shop, 2)
    await shop.connection.execute(
        "update public.plugin_events_log set status = 'pending', next_attempt_at = now() where status = 'failed'"
    )
    await way.queue.promote(10)

    assert len(await begun(way)) == 2


# nothing stays behind


async def test_a_crash_between_settling_and_leaving_only_delays(way, shop):
    await bring(way, shop, 1, 2)
    [first] = await begun(way)
    await settle(way, first)
    before = await states(way)
    await upkeep(way).mend()

    assert (before, await states(way)) == ({1: "delivered", 2: "order"}, {1: "delivered", 2: "queued"})


async def test_one_parked_after_its_predecessor_has_left_follows_at_once(way, shop):
    await bring(way, shop, 2, 1)
    batch = await way.claim()
    behind = await Ordering(way.pool).begin(batch, ())
    first, second = sorted(batch, key=lambda one: one.id in behind)
    await finish(way, first)
    await park(way, second)

    assert await states(way) == {1: "delivered", 2: "queued"}


async def test_the_net_changes_nothing_where_all_is_well(way, shop):
    await bring(way, shop, 1, 2, 3)
    before = await states(way)
    has_more = await upkeep(way).mend()

    assert (has_more, await states(way)) == (False, before)


async def test_the_net_looks_at_a_bounded_number_and_goes_on_from_there(way, shop, monkeypatch):
    monkeypatch.setattr("pideai_host.events.ordering.PAGE", 2)
    for entity in ("a", "b", "c"):
        await bring(way, shop, 1, 2, entity=entity)
    await shop.connection.execute(
        "update public.plugin_events_log set status = 'cancelled', msg_id = null where msg_id is not null"
    )
    keeper = upkeep(way)
    passes = [await keeper.mend() for _ in range(4)]
    [[queued]] = await way.rows("select count(*) from public.plugin_events_log where msg_id is not null")

    assert (passes, queued) == ([True, True, True, False], 3)


async def age(shop, days):
    await shop.connection.execute(
        "update pideai_host.ordered_entities set created_at = now() - %(d)s, updated_at = now() - %(d)s",
        {"d": timedelta(days=days)},
    )


@pytest.mark.parametrize(("days", "left"), [(13, 1), (15, 0)])
async def test_entities_are_forgotten_after_14_days(way, shop, days, left):
    await bring(way, shop, 1)
    [first] = await begun(way)
    await finish(way, first)
    await age(shop, days)
    await upkeep(way).prune()

    assert await way.rows("select count(*) from pideai_host.ordered_entities") == [(left,)]


async def test_an_entity_that_has_something_pending_is_not_forgotten(way, shop):
    await bring(way, shop, 1)
    await age(shop, 99)
    await upkeep(way).prune()

    assert await way.rows("select count(*) from pideai_host.ordered_entities") == [(1,)]


# the whole way


async def test_calls_come_in_order_though_the_events_did_not(way, shop, probe):
    await bring(way, shop, 3, 1, 4, 2)
    worker = way.worker()
    await worker.start()
    await way.done(4)
    await worker.stop()

    assert versions_of(probe.calls) == [1, 2, 3, 4]


@pytest.mark.parametrize("answer", [failed("no"), unknown("lost"), sent()])
async def test_one_that_fails_for_good_holds_nobody(working, shop, probe, answer):
    probe.answers = [answer]
    await bring(working, shop, 1, 2)
    await working.done(2)

    assert versions_of(probe.calls) == [1, 2]


@pytest.mark.parametrize("answer", [retry("503"), wait("the channel is down", retry_after_s=600.0)])
async def test_a_retry_holds_its_successors_and_no_other_order(working, shop, probe, answer, until):
    probe.answers = [answer]
    await bring(working, shop, 1, 2)
    await until(lambda: working.rows("select 1 from public.plugin_events_log where next_attempt_at is not null"))
    await bring(working, shop, 11, entity="two")
    await working.done()
    held = versions_of(probe.calls)
    await shop.connection.execute(
        "update public.plugin_events_log set next_attempt_at = now() where next_attempt_at is not null"
    )
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


async def test_a_database_that_does_not_answer_puts_calls_off(way, shop, probe, monkeypatch, until):
    async def refuse(*_):
        raise psycopg.OperationalError

    monkeypatch.setattr(Ordering, "begin", refuse)
    await bring(way, shop, 1)
    worker = way.worker()
    await worker.start()
    await until(lambda: way.rows("select 1 from public.plugin_events_log where park_reason = 'turn'"))
    await worker.stop()

    assert probe.calls == []


# replays are in no order


async def test_what_is_replayed_before_it_left_its_order_holds_up_nobody(way, shop):
    await bring(way, shop, 1, 2)
    [first] = await begun(way)
    await settle(way, first, "failed")
    lanes = []
    await Replays(way.pool, on_lanes=lanes.append).delivery(shop.store_id, first.id, Order("user 7", uuid4()))

    assert await states(way) == {1: "queued", 2: "queued"}
    assert lanes == [{LANE, BULK}]
    assert [one.place for one in await way.queue.claim([Wanted(BULK, 10, 60)])] == [None]


async def test_what_is_replayed_waits_for_nobody(way, shop):
    await bring(way, shop, 1)
    [first] = await begun(way)
    await finish(way, first, "failed")
    await bring(way, shop, 2, 3)
    await Replays(way.pool, on_lanes=lambda _: None).delivery(shop.store_id, first.id, Order("user 7", uuid4()))

    assert await states(way) == {1: "queued", 2: "queued", 3: "order"}
    [again] = await way.queue.claim([Wanted(BULK, 10, 60)])
    assert await Ordering(way.pool).begin([again], ()) == ()
