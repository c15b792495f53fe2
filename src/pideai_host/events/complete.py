"""Fill in what the change did not hold: the items of a new order, which are written after it (DESIGN.md 4.5).

Items and extras are read until they add up to the total (less delivery, plus discount), or nothing changed for
`STABLE_S`, at most for `GIVE_UP_S`. The completed payload is stored once; until then the delivery is parked without
using an attempt.
"""

from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg

from pideai_host.api import EventType, OrderCreatedPayload, OrderItem, OrderItemExtra
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.queue import CLAIMS_MAX, Claimed
from pideai_host.events.sources import encode_payload
from pideai_host.telemetry import get_logger

STABLE_S: Final = 3.0
GIVE_UP_S: Final = 60.0
TRIES_MAX: Final = 4 * CLAIMS_MAX
"""Claims of one message during which its event is completed."""
LOOK_AGAIN_S: Final = ((2.0, 0.2), (10.0, 0.5), (GIVE_UP_S, 2.0))
"""(age in seconds, seconds until the next look): often while the storefront is still writing."""

PRICE_DIGITS_MAX: Final = 15

_UNUSABLE: Final = (psycopg.DataError, ArithmeticError, ValueError)
_ITEMS: Final = query(load("pideai_host.events", "sql/items.sql"))
_LOOK: Final = query(load("pideai_host.events", "sql/look.sql"))
_COMPLETE: Final = query(load("pideai_host.events", "sql/complete.sql"))


class StoredItem(msgspec.Struct, frozen=True, rename="camel"):
    """An item as the query gives it; extras of the storefront's JSON are of no fixed shape."""

    item_id: UUID
    menu_item_id: UUID | None
    name: str
    quantity: int
    unit_price: Decimal
    extras: Any = None
    extra_rows: tuple[OrderItemExtra, ...] | None = None


class Seen(msgspec.Struct, frozen=True):
    """An order's items at one look, and what they have to add up to."""

    items: tuple[OrderItem, ...]
    expected: Decimal
    fingerprint: str

    @property
    def adds_up(self) -> bool:
        """Whether the items make the total."""
        return sum((item.total for item in self.items), Decimal(0)) == self.expected


_NOTHING: Final = Seen((), Decimal(-1), "gone")
_decode_items: Final = msgspec.json.Decoder(tuple[StoredItem, ...]).decode
_decode_payload: Final = msgspec.json.Decoder(OrderCreatedPayload).decode
_log: Final = get_logger(__name__)
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def needs_completion(claimed: Claimed) -> bool:
    """Tell whether an event's payload is still to be completed; no longer once that may be what ends workers."""
    return claimed.type == EventType.ORDER_CREATED and not claimed.is_complete and claimed.read_ct <= TRIES_MAX


class Completer:
    """Completes the payloads of new orders, a batch at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def complete(self, batch: list[Claimed]) -> dict[UUID, str | float]:
        """Look at the items of a batch of order.created events.

        Returns:
            By event id: the completed payload as JSON text, or the seconds until the next look.

        Raises:
            psycopg.Error: the database could not be asked; nothing is lost by trying again.
        """
        events = {claimed.event_id: claimed for claimed in batch if claimed.event_id is not None}
        try:
            return await self._complete(events)
        except _UNUSABLE as error:
            if len(events) > 1:  # who it was is found out alone, and holds up nobody else
                return {key: found for one in events.values() for key, found in (await self.complete([one])).items()}
            _log.warning("items_not_usable", event_id=str(next(iter(events))), error=type(error).__name__)
            return {event_id: claimed.payload for event_id, claimed in events.items()}

    async def _complete(self, events: dict[UUID, Claimed]) -> dict[UUID, str | float]:
        seen = await self._look_at_items(events)
        times = await self._note(events, seen)
        ready = {event_id for event_id in events if event_id in times and _is_final(seen[event_id], *times[event_id])}
        stored = await self._store({event_id: events[event_id] for event_id in ready}, seen) if ready else {}
        return {event_id: stored.get(event_id) or _look_again_s(times.get(event_id)) for event_id in events}

    async def _look_at_items(self, events: dict[UUID, Claimed]) -> dict[UUID, Seen]:
        orders = {UUID(claimed.entity_id): event_id for event_id, claimed in events.items() if claimed.entity_id}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_ITEMS, {"orders": list(orders)})).fetchall()
        found = {orders[row[0]]: _seen(*row[1:]) for row in rows}
        return {event_id: found.get(event_id, _NOTHING) for event_id in events}

    async def _note(self, events: dict[UUID, Claimed], seen: dict[UUID, Seen]) -> dict[UUID, tuple[float, float]]:
        looks = [
            {"id": event_id, "created_at": claimed.event_created_at, "seen": seen[event_id].fingerprint}
            for event_id, claimed in events.items()
        ]
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_LOOK, {"looks": _encode(looks).decode()})).fetchall()
        return {row[0]: (row[1], row[2]) for row in rows}

    async def _store(self, events: dict[UUID, Claimed], seen: dict[UUID, Seen]) -> dict[UUID, str]:
        completed = [
            {
                "id": event_id,
                "created_at": claimed.event_created_at,
                "payload": _completed(claimed, seen[event_id]),
            }
            for event_id, claimed in events.items()
        ]
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_COMPLETE, {"completed": _encode(completed).decode()})).fetchall()
        return {row[0]: row[1] for row in rows}


def _completed(claimed: Claimed, seen: Seen) -> msgspec.Raw:
    try:
        return msgspec.Raw(encode_payload(with_items(claimed.payload, seen)))
    except msgspec.MsgspecError as error:
        _log.warning("payload_not_readable", event_id=str(claimed.event_id), error=str(error))
        return msgspec.Raw(claimed.payload.encode())  # one that no plugin can read fails there, visibly, and alone


def with_items(payload: str, seen: Seen) -> OrderCreatedPayload:
    """Return the payload with its items filled in."""
    return msgspec.structs.replace(_decode_payload(payload), items=seen.items, items_complete=seen.adds_up)


def _is_final(seen: Seen, unchanged_s: float, age_s: float) -> bool:
    return seen is _NOTHING or seen.adds_up or unchanged_s >= STABLE_S or age_s >= GIVE_UP_S


def _look_again_s(times: tuple[float, float] | None) -> float:
    age_s = times[1] if times is not None else 0.0
    return next((pause_s for until_s, pause_s in LOOK_AGAIN_S if age_s < until_s), LOOK_AGAIN_S[-1][1])


def _seen(total: Decimal, delivery: Decimal, discount: Decimal, items: str) -> Seen:
    fingerprint = blake2b(items.encode(), digest_size=16).hexdigest()
    try:
        read = tuple(_item(stored) for stored in _decode_items(items))
    except msgspec.ValidationError as error:
        _log.warning("items_not_readable", error=str(error))
        read = ()
    return Seen(read, total - delivery + discount, fingerprint)


def _item(stored: StoredItem) -> OrderItem:
    return OrderItem(
        item_id=stored.item_id,
        menu_item_id=stored.menu_item_id,
        name=stored.name,
        quantity=stored.quantity,
        unit_price=_finite(stored.unit_price),
        extras=_json_extras(stored.extras) or _extra_rows(stored.extra_rows),
    )


def _extra_rows(rows: tuple[OrderItemExtra, ...] | None) -> tuple[OrderItemExtra, ...]:
    return tuple(OrderItemExtra(name=row.name, price=_finite(row.price)) for row in rows or ())


def _json_extras(extras: Any) -> tuple[OrderItemExtra, ...]:
    """Read the storefront's JSON: a list of objects with a name and a price under one of two spellings each."""
    if not isinstance(extras, list):
        return ()
    read = []
    for extra in extras:
        if not isinstance(extra, dict):
            continue
        name, price = extra.get("name", extra.get("extra_name")), extra.get("price", extra.get("extra_price", 0))
        try:
            read.append(OrderItemExtra(name=str(name), price=_finite(Decimal(str(price)))))
        except ArithmeticError:
            read.append(OrderItemExtra(name=str(name)))
    return tuple(read)


def _finite(price: Decimal) -> Decimal:
    """Anybody can write an item: what is no number, or beyond any price, must stop no sum and no statement."""
    return price if price.is_finite() and abs(price.adjusted()) < PRICE_DIGITS_MAX else Decimal(0)
