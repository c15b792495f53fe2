"""Whatever happens in whatever order: calls begin in order among what is known, and nothing stays behind.

What happens is drawn by hypothesis, one step after the other, so that each step can be judged by what the database held
before it. Steps are: events come, workers claim and begin, settle or die at the worst moments, the net runs.
"""

import asyncio
import random
from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pideai_host.api import BreakerPolicy, Limits, PluginEventResult, RetryPolicy, delivered, retry
from pideai_host.events.ordering import Ordering, leave
from pideai_host.stores import deliveries
from pideai_host.stores.installations import Installations

ENTITIES = ("one", "two", "three")
ROUNDS_MAX = 100
WITH_EVENT = "from public.plugin_events_log d join public.plugin_events e on e.id = d.event_id"
PENDING = f"""select d.id, e.entity_id, d.place, d.is_late, coalesce(d.park_reason, '') {WITH_EVENT}
    where d.status = 'pending' order by e.entity_id, d.place"""

EMPTY = """truncate public.plugin_events, public.plugin_events_log, pideai_host.event_ids, pgmq.q_pideai_probe,
    pideai_host.ordered_entities, pideai_host.ordered_deliveries"""

events = st.tuples(st.sampled_from(ENTITIES), st.integers(1, 6))
indices = st.integers(0, 9)
steps = st.one_of(
    st.tuples(st.just("come"), st.lists(events, min_size=1, max_size=4)),
    st.tuples(st.just("claim"), st.integers(1, 5), st.booleans()),
    st.tuples(st.just("settle"), indices, st.sampled_from(["delivered", "failed", "unknown", "sent"]), st.booleans()),
    st.tuples(st.just("retry"), indices),
    st.tuples(st.just("die"), indices),
    st.tuples(st.just("due")),
    st.tuples(st.just("disable")),
    st.tuples(st.just("cancel"), indices),
    st.tuples(st.just("mend")),
)


class World:
    """The database, what the workers have in hand, and whether anybody died between two statements."""

    def __init__(self, orders: Any, installation: UUID) -> None:
        self.orders = orders
        self.way = orders.way
        self.installation = installation
        self.in_hand: list[Any] = []
        self.begun: dict[str, int] = defaultdict(lambda: -(2**63))
        self.has_died = False

    def event(self, entity: str, version: int) -> Any:
        return self.orders.event(version, entity, uuid5(self.installation, f"{entity}/{version}"))

    async def pending(self) -> dict[UUID, tuple[str, int, bool, str]]:
        return {row[0]: row[1:] for row in await self.way.rows(PENDING)}

    async def come(self, batch: list[tuple[str, int]]) -> None:
        """Events come in, some for a second time; late is what comes below the highest that was begun."""
        before = await self.pending()
        await self.way.intake.put([self.event(*one) for one in batch])
        for key, (entity, place, is_late, _) in (await self.pending()).items():
            assert key in before or is_late == (place < self.begun[entity])

    async def claim(self, count: int, dies_parking: bool) -> None:
        """A worker claims and begins: all but those that have a predecessor pending.

        What ended without anybody's leaving for it is taken for one, until the net has been there.
        """
        batch = [one for one in await self.way.claim(count) if one.is_live]
        pending = await self.pending()
        behind = set(await Ordering(self.way.pool).begin(batch, ()))
        must_wait = {one.id for one in batch if not one.is_late and is_behind(one, pending)}
        assert must_wait <= behind
        assert self.has_died or behind == must_wait
        for one in batch:
            if one.id not in behind:
                self.in_hand.append(one)
                if not one.is_late:
                    self.begun[one.entity_id] = max(self.begun[one.entity_id], one.place)
            elif dies_parking:
                self.has_died = True
                await self.orders.settle(one, "pending", park_reason="order")
            else:
                await self.orders.park(one)

    async def settle(self, index: int, status: str, dies: bool) -> None:
        one = self.take(index)
        if one is None:
            return
        await self.orders.settle(one, status)
        self.has_died |= dies
        if not dies:
            await leave(self.way.pool, self.orders.members([one]))

    async def retry(self, index: int) -> None:
        one = self.take(index)
        if one is not None:
            await self.orders.settle(one, "pending", park_reason="retry", delay_s=600.0)

    async def die(self, index: int) -> None:
        """A worker dies with a call under way: the lease of its message ends."""
        one = self.take(index)
        if one is not None:
            await self.orders.do("update pgmq.q_pideai_probe set vt = now() where msg_id = %s", one.msg_id)

    async def due(self) -> None:
        """The time of what waits for one has come."""
        await self.orders.do(
            "update public.plugin_events_log set next_attempt_at = now() where next_attempt_at is not null"
        )
        await self.way.queue.promote(100)

    async def disable(self) -> None:
        """The store's owner disables and enables the plugin."""
        installed = (await Installations(self.way.pool).load([self.installation]))[self.installation]
        async with self.way.pool.connection() as connection:
            await deliveries.park(connection, installed)
            await deliveries.resume(connection, installed)

    async def cancel(self, index: int) -> None:
        """Somebody settles a delivery who knows nothing of order."""
        pending = sorted(await self.pending())
        if pending:
            self.has_died = True
            await self.orders.do(
                """update public.plugin_events_log set status = 'cancelled', msg_id = null, next_attempt_at = null
                where id = %s""",
                pending[index % len(pending)],
            )

    async def mend(self) -> None:
        keeper = self.orders.upkeep()
        while await keeper.mend():
            pass
        self.has_died = False

    def take(self, index: int) -> Any:
        return self.in_hand.pop(index % len(self.in_hand)) if self.in_hand else None

    async def finish_all(self) -> int:
        """Let everything end well; return how many rounds that took. The net is only for those who died."""
        for round_number in range(ROUNDS_MAX):
            if self.has_died:
                await self.mend()
            while self.in_hand:
                await self.settle(0, "delivered", dies=False)
            if not await self.pending():
                return round_number
            await self.due()
            await self.claim(10, dies_parking=False)
        raise AssertionError(await self.pending())


def is_behind(claimed: Any, pending: dict[UUID, tuple[str, int, bool, str]]) -> bool:
    return any(
        entity == claimed.entity_id and place < claimed.place and not is_late
        for entity, place, is_late, _ in pending.values()
    )


def held_up_by_nothing(pending: dict[UUID, tuple[str, int, bool, str]]) -> list[UUID]:
    """Those that wait for order though they are late, or the first of their entity."""
    first: dict[str, int] = {}
    for entity, place, is_late, _ in pending.values():
        if not is_late:
            first[entity] = min(place, first.get(entity, place))
    return [
        key
        for key, (entity, place, is_late, reason) in pending.items()
        if reason == "order" and (is_late or place == first[entity])
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=st.lists(steps, max_size=30))
async def test_calls_begin_in_order_and_nothing_stays_behind(orders, installation, taken):
    await orders.do(EMPTY)
    world = World(orders, installation)
    for name, *arguments in taken:
        await getattr(world, name)(*arguments)
        if not world.has_died:
            assert held_up_by_nothing(await world.pending()) == []

    await world.finish_all()
    await world.mend()

    assert await world.way.rows("select * from pideai_host.ordered_deliveries") == []


@pytest.fixture
def probe(probe: Any) -> Any:
    """Is called again at once; its breaker opens with the first 5xx."""
    probe.definition = msgspec.structs.replace(
        probe.definition,
        retry=RetryPolicy(delays_s=(0.01,) * 10, jitter=0.0),
        limits=Limits(concurrency=20),
        breaker=BreakerPolicy(failures=1, cool_down_s=600.0),
    )
    return probe


async def test_an_open_breaker_holds_the_first_and_all_come_back_in_order(working, orders, probe, until):
    probe.answers = [retry("the receiver answered 503", response_code=503)]
    await orders.bring(2)
    await until(lambda: working.rows("select 1 from public.plugin_events_log where park_reason = 'breaker'"))
    await orders.bring(3, 4)
    held = await orders.states()
    await orders.do("update pideai_host.breakers set until = now()")
    await working.done(3)

    assert held == {2: "breaker", 3: "order", 4: "order"}
    assert [call.timestamp.microsecond for call in probe.calls] == [2, 2, 3, 4]


async def test_calls_of_one_order_follow_each_other_however_many_workers_there_are(orders, way, probe):
    begun: dict[str, list[datetime]] = defaultdict(list)
    under_way = set()
    overlaps = []

    async def answer(_: Any) -> PluginEventResult:
        event = probe.calls[-1]
        entity = event.payload.order_number
        if not event.metadata.get("late"):
            overlaps.extend(under_way & {entity})
            under_way.add(entity)
            begun[entity].append(event.timestamp)
        await asyncio.sleep(0.001)
        under_way.discard(entity)
        return retry("again", response_code=429) if len(probe.calls) % 3 == 0 else delivered()

    probe.answers = [answer] * 10_000
    events = [orders.event(version, f"order {n}") for n in range(20) for version in range(1, 7)]
    random.Random(7).shuffle(events)
    workers = [way.worker() for _ in range(2)]
    for worker in workers:
        await worker.start()
    await asyncio.gather(*(way.intake.put([event]) for event in events))
    await way.done(len(events))
    for worker in workers:
        await worker.stop()

    assert (overlaps, {entity: found for entity, found in begun.items() if found != sorted(found)}) == ([], {})
