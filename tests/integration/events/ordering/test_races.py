"""Two sessions at one entity: whoever comes second decides by what the first one left, whichever that is.

One session does its part in a transaction and keeps it open; the other is started, seen to wait for it, and let go on.
"""

import asyncio
from contextlib import asynccontextmanager

import pytest

from pideai_host.events.ordering import Ordering, leave
from pideai_host.stores import deliveries
from pideai_host.stores.installations import Installations

WAITING = """select 1 from pg_stat_activity
    where datname = current_database() and usename = 'pideai_host' and wait_event_type = 'Lock'"""
FUNCTIONS = {
    "enter": "select pideai_host.order_enter(%(installations)s::uuid[], %(entities)s, array[7, 7], %(new)s::uuid[])",
    "begin": """select pideai_host.order_begin(
        %(installations)s::uuid[], %(entities)s, array[7, 7], %(new)s::uuid[], array[true, true])""",
    "leave": "select pideai_host.order_leave(%(installations)s::uuid[], %(entities)s, %(new)s::uuid[])",
}


class OneConnection:
    """A pool of one connection that is in use already: its statements join a transaction that is open."""

    def __init__(self, connection):
        self._connection = connection

    @asynccontextmanager
    async def connection(self):
        yield self._connection

    async def check(self):
        pass


@pytest.fixture
def held(way):
    """Open a transaction for the first session."""

    @asynccontextmanager
    async def hold():
        async with way.pool.connection() as connection, connection.transaction():
            yield OneConnection(connection)

    return hold


@pytest.fixture
def waiting(shop, until):
    """Start the second session and return once it waits for the first one."""

    async def start(work):
        task = asyncio.create_task(work)

        async def is_blocked():
            if task.done():
                await task  # not expected: shows what went wrong
            return await (await shop.connection.execute(WAITING)).fetchone()

        await until(is_blocked)
        return task

    return start


async def bring_in(pool, way, *events):
    async with pool.connection() as connection:
        await way.intake.store(events, connection)


async def one_settled(orders):
    """Version 1 is over, but has not left its order yet."""
    await orders.bring(1)
    [first] = await orders.begin()
    await orders.settle(first)
    return orders.members([first])


# a successor comes while its predecessor leaves


async def test_who_comes_before_the_predecessor_has_left_is_parked_and_sent_by_it(orders, way, held, waiting):
    gone = await one_settled(orders)
    async with held() as first:
        await bring_in(first, way, orders.event(2))
        leaving = await waiting(leave(way.pool, gone))
    await leaving

    assert await orders.states() == {1: "delivered", 2: "queued"}


async def test_who_comes_after_the_predecessor_has_left_goes_at_once(orders, way, held, waiting):
    gone = await one_settled(orders)
    async with held() as first:
        await leave(first, gone)
        coming = await waiting(bring_in(way.pool, way, orders.event(2)))
    await coming

    assert await orders.states() == {1: "delivered", 2: "queued"}


# a predecessor comes while its successor begins


async def test_a_predecessor_that_comes_first_is_waited_for(orders, way, held, waiting):
    await orders.bring(2)
    batch = await way.claim()
    async with held() as first:
        await bring_in(first, way, orders.event(1))
        beginning = await waiting(Ordering(way.pool).begin(batch, ()))

    assert await beginning == {batch[0].id}


async def test_a_predecessor_that_comes_second_is_late(orders, way, held, waiting):
    await orders.bring(2)
    batch = await way.claim()
    async with held() as first:
        assert await Ordering(first).begin(batch, ()) == set()
        coming = await waiting(bring_in(way.pool, way, orders.event(1)))
    await coming

    assert await way.rows("select is_late from public.plugin_events_log where msg_id is not null order by 1") == [
        (False,),
        (True,),
    ]


# a successor begins while its predecessor leaves


async def two_claimed(orders, way):
    """Both are claimed, since the successor came first; the predecessor is over, and has not left its order yet."""
    await orders.bring(2, 1)
    second, first = sorted(await way.claim(), key=lambda one: one.place, reverse=True)
    await Ordering(way.pool).begin([first], ())
    await orders.settle(first)
    return first, second


async def test_who_begins_before_the_predecessor_has_left_waits_and_is_sent(orders, way, held, waiting):
    first, second = await two_claimed(orders, way)
    async with held() as session:
        behind = await Ordering(session).begin([second], ())
        leaving = await waiting(leave(way.pool, orders.members([first])))
    await leaving
    await orders.park(second)

    assert (behind, await orders.states()) == ({second.id}, {1: "delivered", 2: "queued"})


async def test_who_begins_after_the_predecessor_has_left_is_called(orders, way, held, waiting):
    first, second = await two_claimed(orders, way)
    async with held() as session:
        await leave(session, orders.members([first]))
        beginning = await waiting(Ordering(way.pool).begin([second], ()))

    assert await beginning == set()


# others at the same rows


async def test_two_who_let_the_same_one_go_send_one_message(orders, way, held, waiting):
    gone = await one_settled_with_a_successor(orders)
    async with held() as first:
        await leave(first, gone)
        again = await waiting(leave(way.pool, gone))
    await again

    assert await way.rows("select count(*) from pgmq.q_pideai_probe") == [(1,)]


async def one_settled_with_a_successor(orders):
    await orders.bring(1, 2)
    [first] = await orders.begin()
    await orders.settle(first)
    return orders.members([first])


async def test_what_is_disabled_meanwhile_is_not_sent(orders, way, held, waiting, installed):
    gone = await one_settled_with_a_successor(orders)
    async with held() as first, first.connection() as connection:
        await deliveries.park(connection, installed)
        leaving = await waiting(leave(way.pool, gone))
    await leaving

    assert await orders.states() == {1: "delivered", 2: "disabled"}


async def test_what_was_sent_meanwhile_is_disabled_with_its_message(orders, way, held, waiting, installed):
    gone = await one_settled_with_a_successor(orders)
    async with held() as first:
        await leave(first, gone)
        parking = await waiting(parked(way, installed))
    await parking

    assert (await orders.states(), await way.rows("select count(*) from pgmq.q_pideai_probe")) == (
        {1: "delivered", 2: "disabled"},
        [(0,)],
    )


async def parked(way, installed):
    async with way.pool.connection() as connection, connection.transaction():
        await deliveries.park(connection, installed)


@pytest.fixture
async def installed(way, installation):
    return (await Installations(way.pool).load([installation]))[installation]


async def grow_old(orders):
    await orders.bring(1)
    [first] = await orders.begin()
    await orders.finish(first)
    await orders.do("update pideai_host.ordered_entities set created_at = '2020-01-01', updated_at = '2020-01-01'")


async def test_an_entity_that_something_happens_to_is_not_forgotten(orders, way, held):
    await grow_old(orders)
    async with held() as first:
        await bring_in(first, way, orders.event(2))
        await orders.upkeep().prune()

    assert await way.rows("select count(*) from pideai_host.ordered_entities") == [(1,)]


async def test_what_comes_while_its_entity_is_forgotten_makes_it_anew(orders, way, held, waiting):
    await grow_old(orders)
    async with held() as first, first.connection() as connection:
        await connection.execute("delete from pideai_host.ordered_entities")
        coming = await waiting(bring_in(way.pool, way, orders.event(2)))
    await coming

    assert await way.rows("select count(*) from pideai_host.ordered_entities") == [(1,)]


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_entities_are_locked_in_the_order_of_their_key_whatever_the_batchs_is(
    orders, way, shop, held, waiting, installation, name
):
    for entity in ("a", "b"):
        await orders.bring(1, entity=entity)
    parameters = {
        "installations": [installation] * 2,
        "entities": ["b", "a"],
        "new": [orders.event(1).id, orders.event(1).id],
    }

    async def call():
        async with way.pool.connection() as connection:
            await connection.execute(FUNCTIONS[name], parameters)

    async with held() as first, first.connection() as connection:
        await connection.execute("select from pideai_host.ordered_entities where entity_id = 'a' for update")
        calling = await waiting(call())
        free = await shop.connection.execute(
            "select from pideai_host.ordered_entities where entity_id = 'b' for update nowait"
        )
    await calling

    assert free.rowcount == 1
