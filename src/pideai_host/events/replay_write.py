"""Write replays of deliveries and events on the caller's connection: one statement for a set, however large the replay.

Nothing is ever doubled, whatever is repeated: what goes again as it is remembers the replay in its history, what goes
as a copy has an id made of its original and the replay, and a delivery for an event that nobody took has the id that
intake would have given it. The latter two lie at a known place, so that the primary key of the log holds them apart.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import args_row

from pideai_host.db.sql import load, query
from pideai_host.events.identity import copy_id, delivery_id
from pideai_host.telemetry import tracing

HISTORY_MAX: Final = 500
"""Entries of a delivery's history past which it is not replayed any more: its row is read whole, again and again."""

_DELIVERIES: Final = query(load("pideai_host.events", "sql/replay_deliveries.sql"))
_LEAVE_ORDER: Final = query(load("pideai_host.events", "sql/replay_leave_order.sql"))
_TAKERS: Final = query(load("pideai_host.events", "sql/replay_takers.sql"))
_EVENTS: Final = query(load("pideai_host.events", "sql/replay_events.sql"))
_encode: Final = msgspec.json.Encoder().encode


class Place(msgspec.Struct, frozen=True):
    """Where a delivery or an event lies."""

    id: UUID
    created_at: datetime


class Order(msgspec.Struct, frozen=True):
    """On whose word something is replayed.

    Attributes:
        by: Who asks, for the history: ``user <id>`` or ``operator <name>``.
        replay_id: Names the replay: under the same one nothing is replayed twice.
    """

    by: str
    replay_id: UUID


class Judgement(StrEnum):
    """What became of a delivery that was to be replayed: the first two do something."""

    AGAIN = "again"
    COPIED = "copied"
    REPEATED = "repeated"
    PENDING = "pending"
    UNINSTALLED = "uninstalled"
    NO_LANE = "no_lane"
    TOO_OFTEN = "too_often"


class Replayed(msgspec.Struct, frozen=True):
    """What became of one delivery.

    Attributes:
        target_id: The delivery that goes now: itself, or its copy.
        lane: Where it is queued; None for what is parked, and for what was not replayed.
    """

    id: UUID
    created_at: datetime
    judgement: Judgement
    target_id: UUID
    lane: str | None

    @property
    def is_done(self) -> bool:
        """Whether it goes again, if its installation is enabled."""
        return self.judgement in {Judgement.AGAIN, Judgement.COPIED}


class DeliveriesReplayed(msgspec.Struct, frozen=True):
    """What became of some deliveries, by their ids, and the lanes that got messages."""

    by_id: dict[UUID, Replayed]
    lanes: set[str]


class Made(msgspec.Struct, frozen=True):
    """A delivery of an event; `lane` is where it is queued now, None if it was there before."""

    id: UUID
    event_id: UUID
    created_at: datetime
    lane: str | None


async def replay_deliveries(
    connection: AsyncConnection[Any], places: Sequence[Place], order: Order
) -> DeliveriesReplayed:
    """Replay deliveries, in a transaction of the caller's; those that are gone are missing from the answer.

    What was not delivered keeps its id and begins anew, its history kept; what was delivered or sent goes as a copy.
    Both go through the bulk lane, or are parked while their installation is disabled.
    """
    picked = [
        {"id": one.id, "created_at": one.created_at, "copy_id": copy_id(one.id, order.replay_id)} for one in places
    ]
    parameters = {
        "picked": _encode(picked).decode(),
        "by": order.by,
        "replay_id": str(order.replay_id),
        "history_max": HISTORY_MAX,
        "trace": tracing.current(),
        **_bounds(places),
    }
    left = await (await connection.execute(_LEAVE_ORDER, parameters)).fetchall()
    async with connection.cursor(row_factory=args_row(_replayed)) as cursor:
        await cursor.execute(_DELIVERIES, parameters)
        met = await cursor.fetchall()
    queued = {one.lane for one in met if one.lane is not None}
    return DeliveriesReplayed({one.id: one for one in met}, queued | {row[0] for row in left})


async def replay_events(
    connection: AsyncConnection[Any], places: Sequence[Place], order: Order, *, plugin: str | None = None
) -> list[Made]:
    """Make the deliveries that events lack: for each installation that is enabled now and whose plugin subscribes.

    Those that are there already are left as they are, and told with `lane` None.

    Args:
        connection: The caller's.
        places: Which events.
        order: On whose word.
        plugin: Only for installations of this one.
    """
    picked = _encode([{"id": one.id, "created_at": one.created_at} for one in places]).decode()
    takers = await (await connection.execute(_TAKERS, {"picked": picked, "plugin": plugin})).fetchall()
    candidates = [
        {
            "id": delivery_id(event, installation),
            "event_id": event,
            "event_created_at": at,
            "installation_id": installation,
        }
        for event, at, installation in takers
    ]
    if not candidates:
        return []
    parameters = {
        "candidates": _encode(candidates).decode(),
        "by": order.by,
        "replay_id": str(order.replay_id),
        "trace": tracing.current(),
        **_bounds(places),
    }
    rows = await (await connection.execute(_EVENTS, parameters)).fetchall()
    made = {row[0]: row[3] for row in rows}
    return [Made(one["id"], one["event_id"], one["event_created_at"], made.get(one["id"])) for one in candidates]


def _bounds(places: Sequence[Place]) -> dict[str, datetime | None]:
    """Say between which instants the places lie; the database looks into no partition beyond them."""
    times = [one.created_at for one in places]
    return {"first_at": min(times, default=None), "last_at": max(times, default=None)}


def _replayed(id: UUID, created_at: datetime, judgement: str, target_id: UUID, lane: str | None) -> Replayed:  # noqa: A002 - the column
    return Replayed(id, created_at, Judgement(judgement), target_id, lane)
