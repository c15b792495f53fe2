"""One delivery or one event goes again on somebody's word, and never twice for one word."""

import asyncio
from uuid import UUID, uuid4

import msgspec
import pytest

from pideai_host.api import failed, retry
from pideai_host.events.replay import Replays
from pideai_host.events.replay_faults import DeliveryPending, DeliveryUnknown, EventUnknown, NotReplayable
from pideai_host.events.replay_write import HISTORY_MAX, Order
from pideai_host.events.scope import EVERY_STORE

BULK = "pideai_probe__bulk"


@pytest.fixture
def probe(probe):
    """What it is told of more than an hour later expires."""
    probe.definition = msgspec.structs.replace(probe.definition, max_age_s=3600.0)
    return probe


@pytest.fixture
def told():
    """The lanes that were told of, in order."""
    return []


@pytest.fixture
def replays(pool, told):
    return Replays(pool, on_lanes=told.append)


@pytest.fixture
def bring(way, shop):
    """Bring an order's event in; its delivery is pending afterwards."""

    async def one():
        order_id, _ = await shop.insert()
        await way.door.receive(await shop.move(order_id, "confirmed"))

    return one


@pytest.fixture
def settled(way, shop, bring):
    """Give a delivery of some status, its message gone, as settling leaves it; its id."""

    async def make(status):
        await bring()
        await shop.connection.execute("delete from pgmq.q_pideai_probe")
        [(made,)] = await way.rows(
            """update public.plugin_events_log
            set status = %s, msg_id = null, attempts = 4, processed_at = now(), error_message = 'why',
                response_code = 500, response_body = 'body', data = '{"a": 1}',
                history = '[{"attempt": 4, "outcome": "failed"}]'
            where status = 'pending' returning id""",
            status,
        )
        return made

    return make


def by_owner(replay_id=None):
    return Order("user 7", replay_id or uuid4())


async def row(way, delivery_id, columns):
    [found] = await way.rows(f"select {columns} from public.plugin_events_log where id = %s", delivery_id)
    return found


async def count(way):
    return (await way.rows("select count(*) from public.plugin_events_log"))[0][0]


@pytest.mark.parametrize("status", ["failed", "unknown", "expired", "cancelled"])
async def test_what_was_not_delivered_keeps_its_id_and_begins_anew(replays, way, shop, settled, status):
    delivery = await settled(status)
    done = await replays.delivery(shop.store_id, delivery, by_owner())

    assert (done.delivery_id, done.is_copy) == (delivery, False)
    assert await row(
        way,
        delivery,
        "status, attempts, lane, error_message, response_code, response_body, data, processed_at, next_attempt_at",
    ) == ("pending", 0, BULK, None, None, None, None, None, None)


async def test_its_history_stays_and_says_by_whom_it_was_replayed(replays, way, shop, settled):
    delivery, order = await settled("failed"), by_owner()
    await replays.delivery(shop.store_id, delivery, order)
    [before, entry] = (await row(way, delivery, "history"))[0]

    assert before == {"attempt": 4, "outcome": "failed"}
    assert entry.pop("at")
    assert entry == {
        "outcome": "replayed",
        "by": "user 7",
        "replay": str(order.replay_id),
        "from": "failed",
        "attempts": 4,
    }


async def test_it_is_in_the_bulk_lane_at_once_and_the_lane_is_told_of(replays, way, shop, settled, told):
    delivery = await settled("failed")
    await replays.delivery(shop.store_id, delivery, by_owner())

    assert await way.rows(f"select message ->> 'd', msg_id from pgmq.q_{BULK}") == [
        (str(delivery), (await row(way, delivery, "msg_id"))[0])
    ]
    assert told == [{BULK}]


@pytest.mark.parametrize("status", ["delivered", "sent"])
async def test_what_was_delivered_goes_as_a_copy_that_names_it(replays, way, shop, settled, status):
    delivery = await settled(status)
    done = await replays.delivery(shop.store_id, delivery, by_owner())

    assert done.is_copy
    assert await row(way, done.delivery_id, "status, attempts, lane, replay_of") == ("pending", 0, BULK, delivery)
    assert await row(way, delivery, "status, attempts, replay_of, jsonb_array_length(history)") == (status, 4, None, 1)


async def test_a_copy_lies_where_its_original_does(replays, way, shop, settled):
    delivery = await settled("delivered")
    done = await replays.delivery(shop.store_id, delivery, by_owner())
    columns = "created_at, store_id, plugin_id, event_type, installation_id, event_id, event_created_at"

    assert await row(way, done.delivery_id, columns) == await row(way, delivery, columns)


@pytest.mark.parametrize("status", ["failed", "delivered"])
async def test_the_same_request_again_changes_nothing(replays, way, shop, settled, status):
    delivery, order = await settled(status), by_owner()
    first = await replays.delivery(shop.store_id, delivery, order)
    await way.rows(
        "update public.plugin_events_log set status = 'delivered', msg_id = null where status = 'pending' returning 1"
    )
    rows = await count(way)

    assert await replays.delivery(shop.store_id, delivery, order) == first
    assert await count(way) == rows
    assert await way.rows("select 1 from public.plugin_events_log where status = 'pending'") == []


@pytest.mark.parametrize("status", ["failed", "delivered"])
async def test_the_same_request_many_times_at_once_is_one_replay(replays, way, shop, settled, status):
    delivery, order = await settled(status), by_owner()
    done = await asyncio.gather(*(replays.delivery(shop.store_id, delivery, order) for _ in range(6)))

    assert len({one.delivery_id for one in done}) == 1
    assert await way.rows(f"select count(*) from pgmq.q_{BULK}") == [(1,)]
    assert await way.rows("select count(*) from public.plugin_events_log where status = 'pending'") == [(1,)]


async def test_two_words_at_once_for_what_failed_are_one_delivery(replays, way, shop, settled):
    delivery = await settled("failed")
    done = await asyncio.gather(
        *(replays.delivery(shop.store_id, delivery, by_owner()) for _ in range(4)), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in done) == ["DeliveryPending"] * 3 + ["ReplayedDelivery"]
    assert await way.rows(f"select count(*) from pgmq.q_{BULK}") == [(1,)]


async def test_a_pending_delivery_is_refused(replays, way, shop, bring):
    await bring()
    [(delivery,), *_] = await way.rows("select id from public.plugin_events_log")

    with pytest.raises(DeliveryPending, match="is pending"):
        await replays.delivery(shop.store_id, delivery, by_owner())


async def test_another_stores_delivery_is_unknown_but_not_to_the_operator(replays, settled):
    delivery = await settled("failed")
    with pytest.raises(DeliveryUnknown):
        await replays.delivery(uuid4(), delivery, by_owner())

    assert (await replays.delivery(EVERY_STORE, delivery, by_owner())).delivery_id == delivery


async def test_nothing_that_was_uninstalled_is_replayed(replays, way, shop, settled):
    delivery = await settled("failed")
    await shop.connection.execute("delete from public.store_plugins")

    with pytest.raises(NotReplayable, match="uninstalled"):
        await replays.delivery(shop.store_id, delivery, by_owner())
    assert await row(way, delivery, "status, attempts") == ("failed", 4)


@pytest.mark.parametrize("status", ["failed", "delivered"])
async def test_what_is_replayed_while_its_installation_is_disabled_is_parked_for_it(
    replays, way, shop, settled, status
):
    delivery = await settled(status)
    await shop.connection.execute("update public.store_plugins set enabled = false")
    done = await replays.delivery(shop.store_id, delivery, by_owner())

    assert await row(way, done.delivery_id, "status, park_reason, msg_id, next_attempt_at") == (
        "pending",
        "disabled",
        None,
        None,
    )


async def test_a_delivery_is_not_replayed_without_end(replays, shop, settled):
    delivery = await settled("failed")
    await shop.connection.execute(
        "update public.plugin_events_log set history = (select jsonb_agg(n) from generate_series(1, %s) n)",
        (HISTORY_MAX,),
    )

    with pytest.raises(NotReplayable, match="history"):
        await replays.delivery(shop.store_id, delivery, by_owner())


async def test_a_replayed_delivery_arrives_and_its_attempts_start_over(replays, way, shop, probe, bring):
    probe.answers = [failed("no"), retry("busy")]
    worker = way.worker()
    await worker.start()
    await bring()
    await way.done()
    [(delivery,)] = await way.rows("select id from public.plugin_events_log where status = 'failed'")
    await replays.delivery(shop.store_id, delivery, by_owner())
    worker.wake({BULK})
    await way.done()
    await worker.stop()

    assert probe.attempts == [1, 1, 2]
    assert [one["outcome"] for one in (await row(way, delivery, "history"))[0]] == [
        "failed",
        "replayed",
        "retry",
        "delivered",
    ]


async def test_max_age_does_not_expire_what_is_replayed(replays, way, shop, settled):
    delivery = await settled("expired")
    await shop.connection.execute("update public.plugin_events set occurred_at = now() - interval '3 days'")
    worker = way.worker()
    await worker.start()
    await replays.delivery(shop.store_id, delivery, by_owner())
    worker.wake({BULK})
    await way.done()
    await worker.stop()

    assert await row(way, delivery, "status") == ("delivered",)


@pytest.fixture
async def untaken(way, shop, bring):
    """The id of an event that came while nobody was there to take it."""
    await shop.connection.execute("update public.store_plugins set enabled = false")
    await bring()
    await shop.connection.execute("update public.store_plugins set enabled = true")
    [(event,)] = await way.rows("select id from public.plugin_events where type = 'order.updated'")
    return event


async def test_an_event_that_nobody_took_is_delivered_once_somebody_takes_it(
    replays, way, shop, untaken, installation, told
):
    done = await replays.event(shop.store_id, untaken, by_owner())

    assert await way.rows(
        "select id, installation_id, status, lane, event_created_at = created_at from public.plugin_events_log"
    ) == [(done.made[0], installation, "pending", BULK, True)]
    assert (done.kept, told) == ([], [{BULK}])


async def test_the_delivery_of_a_replayed_event_has_the_id_that_intake_would_have_given_it(
    replays, shop, untaken, installation
):
    from pideai_host.events.identity import delivery_id

    assert (await replays.event(shop.store_id, untaken, by_owner())).made == [delivery_id(untaken, installation)]


async def test_an_event_is_delivered_once_however_often_it_is_replayed(replays, way, shop, untaken):
    done = await asyncio.gather(*(replays.event(shop.store_id, untaken, by_owner()) for _ in range(6)))
    again = await replays.event(shop.store_id, untaken, by_owner())

    assert await count(way) == 1
    assert sum(len(one.made) for one in done) == 1
    assert (again.made, len(again.kept)) == ([], 1)


async def test_messages_of_replays_that_came_second_are_dropped_without_a_call(replays, way, shop, probe, untaken):
    worker = way.worker()
    await worker.start()
    await asyncio.gather(*(replays.event(shop.store_id, untaken, by_owner()) for _ in range(6)))
    worker.wake({BULK})
    await way.done()
    await worker.stop()

    assert len(probe.calls) == 1


async def test_an_event_that_still_nobody_takes_is_refused(replays, way, shop, untaken):
    await shop.connection.execute("update public.store_plugins set enabled = false")

    with pytest.raises(NotReplayable, match=r"takes order\.updated"):
        await replays.event(shop.store_id, untaken, by_owner())
    assert await count(way) == 0


async def test_another_stores_event_is_unknown(replays, untaken):
    with pytest.raises(EventUnknown):
        await replays.event(uuid4(), untaken, by_owner())
    assert isinstance(untaken, UUID)
