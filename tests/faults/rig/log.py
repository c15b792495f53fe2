"""What became of what was accepted, and what must hold of it whatever happened."""

from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from rig.receiver import Receiver
from rig.shop import BRIDGE, Shop
from rig.waiting import PATIENCE_S, wait_until

ENDED = frozenset({"sent", "delivered", "failed", "unknown", "expired", "cancelled"})

_DELIVERIES = """
select d.id, d.store_id, p.slug, d.status, d.attempts, d.error_message, d.response_code,
       d.next_attempt_at is not null or d.park_reason in ('disabled', 'breaker', 'order') as is_parked, d.msg_id,
       extract(epoch from d.next_attempt_at - now())::float8, extract(epoch from d.processed_at - d.created_at)::float8,
       d.history
from public.plugin_events_log d join public.plugins p on p.id = d.plugin_id
order by d.created_at
"""


class Delivery(NamedTuple):
    id: UUID
    store_id: UUID
    slug: str
    status: str
    attempts: int
    error: str | None
    code: int | None
    is_parked: bool
    msg_id: int | None
    due_in_s: float | None
    took_s: float | None
    history: list[dict[str, Any]]


class DeliveryLog:
    """The log of a test's database, read as its owner."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], shop: Shop, receiver: Receiver) -> None:
        self.connection = connection
        self._shop = shop
        self._receiver = receiver

    async def rows(self, sql: str, *parameters: Any) -> list[Any]:
        cursor = await self.connection.execute(sql, parameters or None)
        return await cursor.fetchall() if cursor.description else []

    async def deliveries(self, slug: str | None = None) -> list[Delivery]:
        found = [Delivery(*row) for row in await self.rows(_DELIVERIES)]
        return [one for one in found if slug in (None, one.slug)]

    async def are_done(self, slug: str | None = None, *, but: UUID | None = None) -> list[Delivery] | None:
        """Return all deliveries, or those of a plugin, if none of them is pending.

        Of a store that is excepted by `but` none may be untried.
        """
        found = await self.deliveries(slug)
        is_done = all(one.status in ENDED or (one.store_id == but and one.attempts) for one in found)
        return found if found and is_done else None

    async def done(
        self, slug: str | None = None, *, but: UUID | None = None, limit_s: float = PATIENCE_S
    ) -> list[Delivery]:
        """Wait until no delivery, or none of a plugin, is pending; return them."""
        found: list[Delivery] = await wait_until(lambda: self.are_done(slug, but=but), limit_s=limit_s)
        return found

    async def end_leases(self) -> None:
        """End all leases at once instead of in a minute; only while nobody holds one, or a call is made twice."""
        for lane in await self._lanes():
            await self.rows(f"update pgmq.q_{lane} set vt = clock_timestamp() where vt > clock_timestamp()")

    async def only_lost_claims_are_left(self) -> bool:
        """Tell whether all that is pending lies under the lease of a claim whose answer nobody heard.

        Its calls would have been begun long ago, and arrived.
        """
        leased = set()
        for lane in await self._lanes():
            rows = await self.rows(
                f"""select msg_id from pgmq.q_{lane}
                where read_ct > 0 and vt > clock_timestamp() and vt < clock_timestamp() + interval '57 s'"""
            )
            leased |= {row[0] for row in rows}
        pending = [one for one in await self.deliveries() if one.status not in ENDED]
        return all(one.msg_id in leased and one.id not in self._receiver.seen for one in pending)

    async def queued(self) -> set[tuple[str, int]]:
        """Return lane and number of each message that is queued."""
        found = set()
        for lane in await self._lanes():
            found |= {(lane, row[0]) for row in await self.rows(f"select msg_id from pgmq.q_{lane}")}
        return found

    async def _lanes(self) -> list[str]:
        return [row[0] for row in await self.rows("select queue_name from pgmq.meta order by 1")]

    async def require_balance(self, *, died: bool = False) -> list[Delivery]:
        """Hold the log against what was accepted; return the log.

        Accepted = ended + parked + queued: each event that was accepted has exactly one delivery for each installation,
        no other event and no other delivery exists, and whatever is pending is either parked or carried by a message.
        What the log calls delivered arrived; nothing arrived under an id of its own making, and nothing more often than
        it was sent by the log, unless a process died (`died`): then under the same id.
        """
        async with self.connection.transaction():  # workers may go on meanwhile
            await self.rows("set transaction isolation level repeatable read")
            found = await self.deliveries()
            queued = await self.queued()
            lanes = dict(await self.rows("select id, lane from public.plugin_events_log"))
            events = [row[0] for row in await self.rows("select id from public.plugin_events")]
        expected = self._shop.expected()
        adrift = [
            one
            for one in found
            if one.status not in ENDED and not one.is_parked and (lanes[one.id], one.msg_id) not in queued
        ]
        calls = {one.id: one.attempts + (one.status not in ENDED) for one in found}
        doubled = {one for one, times in self._receiver.seen.items() if times > calls.get(one, 0)}
        arrived = {one.id for one in found if one.slug == BRIDGE and one.status == "delivered"}

        assert sorted(events) == sorted(self._shop.accepted)
        assert {one.id for one in found} == expected
        assert len(found) == len(expected)
        assert adrift == []
        assert arrived <= set(self._receiver.seen) <= expected
        assert died or doubled == set()
        return found
