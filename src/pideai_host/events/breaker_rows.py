"""Breakers in the database: what the workers share of them, and what a store's owner is told."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.rows import args_row, class_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.breaker import Phase
from pideai_host.stores.audit import Action, Line, record
from pideai_host.telemetry import BREAKER_TRANSITIONS, get_logger

HEARD_WITHIN_S: Final = 2.0
"""How long after a transition every worker has read of it: a probe is due then."""
LOOK_AGAIN_S: Final = 5.0
"""How long a probe is on its way before anybody asks where it is."""
AT_ONCE: Final = 100
"""Breakers dealt with by one statement."""
DRAIN_BATCH: Final = 500
"""Deliveries of one recovered installation made due at once."""
REASON_MAX_CHARS: Final = 300
PARKED_MAX: Final = 10_000
"""Parked deliveries of one installation that are counted."""

_READ: Final = query(load("pideai_host.events", "sql/breakers_read.sql"))
_OPEN: Final = query(load("pideai_host.events", "sql/breakers_open.sql"))
_CLOSE: Final = query(load("pideai_host.events", "sql/breakers_close.sql"))
_DUE: Final = query(load("pideai_host.events", "sql/breakers_due.sql"))
_PROBE: Final = query(load("pideai_host.events", "sql/breakers_probe.sql"))
_CLOSED: Final = query(load("pideai_host.events", "sql/breakers_closed.sql"))
_DRAIN: Final = query(load("pideai_host.events", "sql/breakers_drain.sql"))
_RESET: Final = query(load("pideai_host.events", "sql/breakers_reset.sql"))
_TOLD: Final = query(load("pideai_host.events", "sql/breakers_told.sql"))
_OF_STORE: Final = _TOLD.format(which=sql.SQL("b.installation_id is not null"))
_OF_PLUGIN: Final = _TOLD.format(which=sql.SQL("p.slug = %(plugin)s"))
_log: Final = get_logger(__name__)


class SharedBreaker(msgspec.Struct, frozen=True):
    """A breaker as it stands in the database; fields in the query's order. `left_s` counts from the reading."""

    installation_id: UUID
    phase: Phase
    version: int
    openings: int
    left_s: float
    probe_id: UUID | None
    is_due: bool
    needs_care: bool


class BreakerState(msgspec.Struct, frozen=True, kw_only=True):
    """A breaker for the store's owner.

    Attributes:
        phase: "open", "half_open" (a probe is on its way) or "closed" (recovered at `closed_at`, or never opened).
        reason: The failure that opened it, or the last probe's.
        next_probe_at: When open.
        parked: How many deliveries wait for it, counted up to `PARKED_MAX`.
    """

    installation_id: UUID
    plugin: str
    phase: str
    reason: str | None
    opened_at: datetime | None
    closed_at: datetime | None
    next_probe_at: datetime | None
    parked: int


class BreakerRows:
    """The table of breakers. Transitions name the version they start from: of several workers one makes each."""

    def __init__(self, pool: Pool, *, heard_within_s: float = HEARD_WITHIN_S) -> None:
        self._pool = pool
        self._heard_within_s = heard_within_s

    async def read(self) -> list[SharedBreaker]:
        """Return all that are open or not forgotten yet."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=args_row(_shared)) as cursor:
            await cursor.execute(_READ)
            return await cursor.fetchall()

    async def of_store(self, store_id: UUID) -> list[BreakerState]:
        """Return those of a store that are open or were lately, the newest opening first; all others are closed."""
        async with self._pool.connection() as connection:
            return await _told(connection, _OF_STORE, {"store_id": store_id})

    async def of_plugin(self, store_id: UUID, plugin: str) -> BreakerState | None:
        """Return the breaker of a store's plugin, closed if it never opened; None if that is not installed."""
        async with self._pool.connection() as connection:
            found = await _told(connection, _OF_PLUGIN, {"store_id": store_id, "plugin": plugin})
        return found[0] if found else None

    async def reset(self, store_id: UUID, plugin: str, *, by: str) -> BreakerState | None:
        """Close the breaker of a store's plugin and have what it parked delivered; return it as it is then.

        Workers hear of it within a second. Idempotent; None if the plugin is not installed.

        Args:
            store_id: Whose.
            plugin: The slug.
            by: Who wants it, for the log.
        """
        values: dict[str, object] = {"store_id": store_id, "plugin": plugin}
        async with self._pool.connection() as connection, connection.transaction():
            before = await _told(connection, _OF_PLUGIN, values)
            is_reset = (await connection.execute(_RESET, values)).rowcount == 1
            found = await _told(connection, _OF_PLUGIN, values) if is_reset else before
            if is_reset:
                detail = {"was": before[0].phase, "parked": before[0].parked}
                await record(connection, store_id, [Line(action=Action.BREAKER_RESET, plugin=plugin, detail=detail)])
        if is_reset:
            BREAKER_TRANSITIONS.labels(plugin=plugin, phase=Phase.CLOSED.value).inc()
            was = before[0]
            _log.warning(
                "breaker_reset", store_id=str(store_id), plugin=plugin, by=by, was=was.phase, parked=was.parked
            )
        return found[0] if found else None

    async def open(
        self,
        installation_id: UUID,
        plugin: str,
        *,
        version: int,
        openings: int,
        cool_down_s: float,
        reason: str | None = None,
        notice: str | None = None,
    ) -> int | None:
        """Open one; return its new version, None if another worker was first or the installation is gone.

        Args:
            installation_id: Whose.
            plugin: The slug.
            version: Where it starts from, 0 for one that is not in the database.
            openings: In a row, this one included.
            cool_down_s: Seconds until its probe.
            reason: For the owner; None keeps the last one.
            notice: Left for the owner with it, if any.
        """
        return await self._transition(
            _OPEN,
            {
                "installation_id": installation_id,
                "plugin": plugin,
                "version": version,
                "openings": openings,
                "cool_down_s": cool_down_s,
                "reason": _storable(reason),
                "notice": _storable(notice),
            },
        )

    async def close(self, installation_id: UUID, *, version: int, memory_s: float, notice: str) -> int | None:
        """Close one and leave a notice; return its new version, None if another worker was first.

        `memory_s` is how long its openings are remembered.
        """
        return await self._transition(
            _CLOSE,
            {"installation_id": installation_id, "version": version, "memory_s": memory_s, "notice": _storable(notice)},
        )

    async def probe(self) -> None:
        """Send a probe for each that is due and has parked something."""
        await self._care(_DUE, _PROBE, {"heard_within_s": self._heard_within_s, "look_again_s": LOOK_AGAIN_S})

    async def drain(self) -> None:
        """Make due some of what the closed ones parked; forget those that have rested."""
        await self._care(_CLOSED, _DRAIN, {"of_each": DRAIN_BATCH})

    async def _transition(self, statement: sql.SQL, values: dict[str, object]) -> int | None:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(statement, values)).fetchone()
        return None if row is None else int(row[0])

    async def _care(self, lock: sql.SQL, statement: sql.SQL, values: dict[str, object]) -> None:
        """Lock some, then see to them: two statements, for the reason in adr/0047."""
        async with self._pool.connection() as connection, connection.transaction():
            ids = [row[0] for row in await (await connection.execute(lock, {"limit": AT_ONCE})).fetchall()]
            await connection.execute(statement, {**values, "ids": ids})


async def _told(
    connection: AsyncConnection[Any], statement: sql.Composed, values: dict[str, object]
) -> list[BreakerState]:
    async with connection.cursor(row_factory=class_row(BreakerState)) as cursor:
        await cursor.execute(statement, {**values, "parked_max": PARKED_MAX})
        return await cursor.fetchall()


def _shared(installation_id: UUID, phase: str, *rest: Any) -> SharedBreaker:
    return SharedBreaker(installation_id, Phase(phase), *rest)


def _storable(text: str | None) -> str | None:
    """PostgreSQL's text holds no NUL and no lone surrogate."""
    return None if text is None else text[:REASON_MAX_CHARS].replace("\x00", "").encode("utf-8", "replace").decode()
