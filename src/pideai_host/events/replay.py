"""Replay one delivery or one event on somebody's word (DESIGN.md 9); ranges are `replay_range` and `replay_job`.

A request that is sent again under the same replay id changes nothing, however the first one ended. Without an id of its
own a request gets a new one, which holds for its own second tries alone.
"""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.patience import patiently
from pideai_host.events.replay_faults import DeliveryPending, DeliveryUnknown, EventUnknown, NotReplayable
from pideai_host.events.replay_write import (
    HISTORY_MAX,
    DeliveriesReplayed,
    Judgement,
    Made,
    Order,
    Place,
    Replayed,
    replay_deliveries,
    replay_events,
)
from pideai_host.events.scope import Scope, store_id_of, within
from pideai_host.stores.audit import Action, Line, record
from pideai_host.telemetry import get_logger

_LOCK: Final = query(load("pideai_host.events", "sql/replay_lock.sql"))
_FIND: Final = query(
    "select id, created_at, store_id, event_type from public.plugin_events_log where id = %(id)s and {of_store}"
)
_FIND_EVENT: Final = query(
    "select id, created_at, store_id, type from public.plugin_events where id = %(id)s and {of_store}"
)
_log: Final = get_logger(__name__)


class ReplayedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay of one delivery did.

    Attributes:
        replay_id: The replay's; sent again, it changes nothing.
        delivery_id: What goes now: the delivery itself, or the copy of one that was delivered.
        is_copy: Which of the two.
    """

    replay_id: UUID
    delivery_id: UUID
    is_copy: bool


class ReplayedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay of one event did.

    Attributes:
        made: Deliveries that it made.
        kept: Deliveries that the event had already, for installations that are enabled; they were left alone.
    """

    replay_id: UUID
    made: list[UUID]
    kept: list[UUID]


class Replays:
    """Replays of single deliveries and events.

    Args:
        pool: Runtime connections.
        on_lanes: Called after a commit with the lanes that got messages; must not block.
    """

    def __init__(self, pool: Pool, *, on_lanes: Callable[[set[str]], None]) -> None:
        self._pool = pool
        self._on_lanes = on_lanes

    async def delivery(self, scope: Scope, delivery_id: UUID, order: Order) -> ReplayedDelivery:
        """Replay a delivery: as it is when it was not delivered, else as a copy.

        Raises:
            DeliveryUnknown: there is none within the scope.
            DeliveryPending: it is under way.
            NotReplayable: its installation is gone, or it was replayed too often.
        """

        async def work(connection: AsyncConnection[Any]) -> DeliveriesReplayed | None:
            async with connection.transaction():
                await connection.execute(_LOCK, {"replay_id": order.replay_id})
                found = await _find(connection, _FIND, scope, delivery_id)
                if found is None:
                    return None
                replayed = await replay_deliveries(connection, [found.place], order)
                done = replayed.by_id.get(delivery_id)
                if done is not None and done.is_done:
                    detail = {"replay": str(order.replay_id), "event_type": found.type}
                    line = Line(action=Action.DELIVERY_REPLAYED, subject=str(delivery_id), detail=detail)
                    await record(connection, found.store_id, [line])
                return replayed

        replayed = await patiently(self._pool, work)
        done = None if replayed is None else replayed.by_id.get(delivery_id)
        if replayed is None or done is None:
            raise DeliveryUnknown(delivery_id)
        self._tell(replayed.lanes)
        _require_replayed(done)
        if done.is_done:
            _log.info("delivery_replayed", delivery=str(delivery_id), replay=str(order.replay_id), by=order.by)
        return ReplayedDelivery(
            replay_id=order.replay_id, delivery_id=done.target_id, is_copy=done.target_id != delivery_id
        )

    async def event(self, scope: Scope, event_id: UUID, order: Order) -> ReplayedEvent:
        """Make the deliveries that an event lacks, for the installations that are enabled now and subscribe to it.

        Raises:
            EventUnknown: there is none within the scope.
            NotReplayable: no enabled installation takes it.
        """

        async def work(connection: AsyncConnection[Any]) -> tuple[_Found | None, list[Made]]:
            async with connection.transaction():
                found = await _find(connection, _FIND_EVENT, scope, event_id)
                made = [] if found is None else await replay_events(connection, [found.place], order)
                new = [str(one.id) for one in made if one.lane is not None]
                if found is not None and new:
                    detail = {"replay": str(order.replay_id), "event_type": found.type, "made": new}
                    line = Line(action=Action.EVENT_REPLAYED, subject=str(event_id), detail=detail)
                    await record(connection, found.store_id, [line])
                return found, made

        found, deliveries = await patiently(self._pool, work)
        if found is None:
            raise EventUnknown(event_id)
        if not deliveries:
            raise NotReplayable(
                f"no enabled installation of the store takes {found.type}",
                hint="Install or enable a plugin that subscribes to it.",
            )
        self._tell({one.lane for one in deliveries if one.lane is not None})
        made = [one.id for one in deliveries if one.lane is not None]
        if made:
            _log.info("event_replayed", event_id=str(event_id), replay=str(order.replay_id), by=order.by)
        return ReplayedEvent(
            replay_id=order.replay_id, made=made, kept=[one.id for one in deliveries if one.lane is None]
        )

    def _tell(self, lanes: set[str]) -> None:
        if lanes:
            self._on_lanes(lanes)


class _Found(msgspec.Struct, frozen=True):
    place: Place
    store_id: UUID
    type: str


async def _find(connection: AsyncConnection[Any], statement: sql.SQL, scope: Scope, id_: UUID) -> _Found | None:
    parameters = {"id": id_, "store_id": store_id_of(scope)}
    row = await (await connection.execute(within(statement, scope), parameters)).fetchone()
    return None if row is None else _Found(Place(row[0], row[1]), row[2], row[3])


def _require_replayed(done: Replayed) -> None:
    match done.judgement:
        case Judgement.PENDING:
            raise DeliveryPending(done.id)
        case Judgement.UNINSTALLED:
            raise NotReplayable(
                "the store has uninstalled the plugin that the delivery was for",
                hint="Once it is installed again, replay the event: that makes a new delivery.",
            )
        case Judgement.NO_LANE:
            raise NotReplayable("the plugin has no lane for replays", hint="pideai-host plugins sync makes it.")
        case Judgement.TOO_OFTEN:
            raise NotReplayable(
                f"its history has {HISTORY_MAX} entries or more", hint="Find out why it fails before it goes again."
            )
        case _:
            return
