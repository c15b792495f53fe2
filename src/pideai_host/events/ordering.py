"""Order per entity, for installations that ask for it: a delivery begins when none before it is pending (ADR 0023).

Before and after go by place: the event's version, then the rank of its type. What is decided about an entity is decided
by functions of the database under the entity's lock (migration 20261128050000); this module calls them. Deliveries of
installations that do not ask for order have no place and never come here.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from pideai_host.api import EventType
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.identity import microseconds
from pideai_host.events.patience import patiently
from pideai_host.events.queue import Claimed
from pideai_host.events.sources import NewEvent
from pideai_host.telemetry import get_logger

RANKS: Final = 16
"""How many types of one version a place can tell apart."""

BATCH_MAX: Final = 500
"""Deliveries that leave by one statement."""

PAGE: Final = 2_000
"""Deliveries in order that one run of `OrderUpkeep.mend` looks at."""

PRUNE_BATCH: Final = 5_000

_RANK_OF_TYPE: Final[dict[str, int]] = {
    EventType.ORDER_CREATED: 0,
    EventType.ORDER_UPDATED: 1,
    EventType.ORDER_STATUS_CHANGED: 2,
    EventType.ORDER_READY: 3,
    EventType.ORDER_COMPLETED: 3,
    EventType.ORDER_CANCELLED: 3,
}
_OTHER_RANK: Final = 9

_BEGIN: Final = query(load("pideai_host.events", "sql/order_begin.sql"))
_LEAVE: Final = query(load("pideai_host.events", "sql/order_leave.sql"))
_STUCK: Final = query(load("pideai_host.events", "sql/order_stuck.sql"))
_PRUNE: Final = query(load("pideai_host.events", "sql/order_prune.sql"))
_log: Final = get_logger(__name__)


class Member(NamedTuple):
    """A delivery that is in an entity's order."""

    installation_id: UUID
    entity_id: str
    delivery_id: UUID


def place_of(event: NewEvent) -> int | None:
    """Return where an event stands among those of its entity, None if it is about none.

    Its instant in microseconds is its row's version (`updated_at`; `created_at` of what happens once a row), and of one
    version the types come in the order in which they make sense.
    """
    if event.entity_id is None:
        return None
    return microseconds(event.occurred_at) * RANKS + _RANK_OF_TYPE.get(event.type, _OTHER_RANK)


class Ordering:
    """What a worker asks before it calls."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, batch: Sequence[Claimed], put_off: Collection[UUID]) -> Collection[UUID]:
        """Begin the deliveries of a batch, and return those that may not: one before them is pending after all.

        Args:
            batch: Claimed deliveries; those in no order are passed over, without a statement if all are.
            put_off: Ids of those that are not called now whatever is said here; they are not begun.

        Raises:
            psycopg.Error: nothing is begun, as far as is known.
        """
        ordered = [(one, entity_id) for one in batch if (entity_id := one.entity_in_order) is not None]
        if not ordered:
            return ()
        parameters = {
            "installations": [one.installation_id for one, _ in ordered],
            "entities": [entity_id for _, entity_id in ordered],
            "places": [one.place for one, _ in ordered],
            "deliveries": [one.id for one, _ in ordered],
            "called": [one.id not in put_off for one, _ in ordered],
        }
        async with self._pool.connection() as connection:
            return {row[0] for row in await (await connection.execute(_BEGIN, parameters)).fetchall()}


class Leaving:
    """Lets what waited for settled deliveries follow, aside from the settling, which waits for no entity.

    Args:
        pool: Runtime connections.
        on_lanes: Called with the lanes that got messages; must not block.
    """

    def __init__(self, pool: Pool, *, on_lanes: Callable[[set[str]], None]) -> None:
        self._pool = pool
        self._on_lanes = on_lanes
        self._members: list[Member] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, members: Sequence[Member]) -> None:
        """Tell of deliveries that are over, after the commit that settled them. Never waits.

        Also of those that were parked for order: what they waited for may have left meanwhile.
        """
        if not members:
            return
        self._members += members
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="leaving")

    async def stop(self) -> None:
        """Finish what was told of."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._members:
            batch, self._members = self._members[:BATCH_MAX], self._members[BATCH_MAX:]
            try:
                self._on_lanes(await leave(self._pool, batch))
            except Exception as error:  # noqa: BLE001 - `OrderUpkeep.mend` finds what stayed behind
                _log.warning("order_not_left", deliveries=len(batch), error=type(error).__name__)


class OrderUpkeep:
    """What the scheduler does for order: the net below `Leaving`, and forgetting.

    Args:
        pool: Runtime connections.
        on_lanes: As for `Leaving`.
    """

    def __init__(self, pool: Pool, *, on_lanes: Callable[[set[str]], None]) -> None:
        self._pool = pool
        self._on_lanes = on_lanes
        self._after: tuple[Any, ...] | None = None

    async def mend(self) -> bool:
        """Look at the next deliveries in order and let go of what is held up by nothing; returns whether more are left.

        That is what a worker settled and did not live to tell, and what was settled elsewhere (an uninstallation).
        """
        after = self._after or (UUID(int=0), "", 0, UUID(int=0))
        names = ("installation_id", "entity_id", "place", "delivery_id")
        parameters = dict(zip(names, after, strict=True)) | {"limit": PAGE}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_STUCK, parameters)).fetchall()
        self._after = rows[-1][:4] if len(rows) == PAGE else None
        stuck = [Member(row[0], row[1], row[3]) for row in rows if row[4]]
        if stuck:
            self._on_lanes(await leave(self._pool, stuck))
            _log.info("order_mended", deliveries=len(stuck))
        return self._after is not None

    async def prune(self) -> bool:
        """Forget entities to which nothing happened for 14 days; returns whether there may be more."""
        async with self._pool.connection() as connection:
            done = await connection.execute(_PRUNE, {"limit": PRUNE_BATCH})
        return done.rowcount == PRUNE_BATCH


async def leave(pool: Pool, members: Sequence[Member]) -> set[str]:
    """Let go of deliveries that are not pending any more and send what waited for them; return the lanes.

    Harmless for any delivery and as often as one likes. Call it after the commit of whatever settled them.

    Raises:
        psycopg.Error: it could not be done now.
    """
    parameters = {
        "installations": [one.installation_id for one in members],
        "entities": [one.entity_id for one in members],
        "deliveries": [one.delivery_id for one in members],
    }

    async def run(connection: AsyncConnection[TupleRow]) -> set[str]:
        return {row[0] for row in await (await connection.execute(_LEAVE, parameters)).fetchall()}

    return await patiently(pool, run)
