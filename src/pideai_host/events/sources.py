"""From a changed row to events: the only place that knows what a change means (DESIGN.md 4.1). Pure.

INSERT orders -> order.created, and customer.registered with the first order of a customer in a store.
UPDATE orders -> order.updated, and when the status differs order.status_changed and order.ready, order.completed
(delivered) or order.cancelled. DELETE means nothing: what happened stays told.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from pideai_host.api import (
    Address,
    CustomerRegisteredPayload,
    EventType,
    OrderCreatedPayload,
    OrderStatusPayload,
    OrderUpdatedPayload,
)
from pideai_host.events.identity import event_id, microseconds, status_version
from pideai_host.events.rows import Change, NotUnderstood, OrderRow, changed_columns, in_utc, read_order, read_previous

ORDERS: Final = "public.orders"
ORDER_STATUSES: Final = frozenset(
    {"pending", "confirmed", "preparing", "ready", "out_for_delivery", "delivered", "cancelled"}
)
TYPE_OF_STATUS: Final = {
    "ready": EventType.ORDER_READY,
    "delivered": EventType.ORDER_COMPLETED,
    "cancelled": EventType.ORDER_CANCELLED,
}
_TABLE_LINE: Final = re.compile(r"\s*Mesa:\s*(\S[^\r\n]{0,39})")

encode_payload: Final = msgspec.json.Encoder(decimal_format="number").encode


class StoreFacts(msgspec.Struct, frozen=True):
    """What of its store an event needs and the changed row does not hold."""

    currency: str


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way in.

    Attributes:
        payload: JSON of the type's struct.
        complete: False when the payload is still to be completed before any hook sees it (order.created).
        customer_id: For customer.registered: who may be new to the store; the database decides.
        installed_by: For what is told late: no delivery to those who were installed after this instant.
        bulk: Its deliveries go to the bulk lanes, whatever the store's share.
        traceparent: Where it stands in a trace; None where nothing is recorded.
    """

    id: UUID
    store_id: UUID
    type: str
    payload: msgspec.Raw
    occurred_at: datetime
    source: str
    entity_id: str | None = None
    complete: bool = True
    customer_id: UUID | None = None
    installed_by: datetime | None = None
    bulk: bool = False
    traceparent: str | None = None


class OrderChange(msgspec.Struct, frozen=True):
    """A change of an order, read and checked, before its store is known."""

    change: Change
    row: OrderRow
    previous_status: str | None

    @property
    def store_id(self) -> UUID:
        """The store that the row names."""
        return self.row.store_id


def read(change: Change) -> OrderChange | None:
    """Check a change and read its rows; None when it means nothing to anybody (a DELETE).

    Raises:
        NotUnderstood: unknown_table, unknown_type, or bad_row with what is wrong in it.
    """
    if change.name != ORDERS:
        raise NotUnderstood("unknown_table", change.name)
    if change.type == "DELETE":
        return None
    if change.type not in ("INSERT", "UPDATE"):
        raise NotUnderstood("unknown_type", change.type[:40])

    row = read_order(change.record)
    if row.status not in ORDER_STATUSES:
        raise NotUnderstood("bad_row", f"status {row.status[:40]!r} is none of an order's")
    if change.type == "INSERT":
        return OrderChange(change, row, None)
    if row.updated_at is None:
        raise NotUnderstood("bad_row", "an update without updated_at cannot be told from the next one")
    return OrderChange(change, row, read_previous(change.old_record).status)


def events_of(order: OrderChange, store: StoreFacts, *, source: str, now: Callable[[], datetime]) -> list[NewEvent]:
    """Turn a change of an order into its events, in the order in which they happened. Pure but for the clock.

    Raises:
        NotUnderstood: bad_row; one of its dates cannot be told in UTC.
    """
    if order.previous_status is None:
        return _created(order, store, source=source, now=now)
    return _updated(order, store, source=source)


def _created(order: OrderChange, store: StoreFacts, *, source: str, now: Callable[[], datetime]) -> list[NewEvent]:
    row = order.row
    at = _utc(row.created_at) or now()
    made = [
        NewEvent(
            id=event_id(ORDERS, str(row.id), EventType.ORDER_CREATED),
            store_id=row.store_id,
            type=EventType.ORDER_CREATED,
            payload=_encoded(OrderCreatedPayload(**_common(row, store))),
            occurred_at=at,
            source=source,
            entity_id=str(row.id),
            complete=False,
        )
    ]
    if row.customer_id is not None:
        registered = CustomerRegisteredPayload(
            customer_id=row.customer_id,
            name=row.customer_name,
            first_order_id=row.id,
            email=row.customer_email,
            phone=row.customer_phone,
        )
        made.append(
            NewEvent(
                id=event_id("public.customers", f"{row.store_id}/{row.customer_id}", EventType.CUSTOMER_REGISTERED),
                store_id=row.store_id,
                type=EventType.CUSTOMER_REGISTERED,
                payload=_encoded(registered),
                occurred_at=at,
                source=source,
                entity_id=str(row.id),
                customer_id=row.customer_id,
            )
        )
    return made


def _updated(order: OrderChange, store: StoreFacts, *, source: str) -> list[NewEvent]:
    row, previous = order.row, order.previous_status
    at = _utc(row.updated_at)
    if at is None or previous is None:
        return []
    version = str(microseconds(at))
    common = _common(row, store)
    fields = changed_columns(order.change.record, order.change.old_record)

    def event(event_type: str, payload: msgspec.Struct, event_version: str) -> NewEvent:
        return NewEvent(
            id=event_id(ORDERS, str(row.id), event_type, event_version),
            store_id=row.store_id,
            type=event_type,
            payload=_encoded(payload),
            occurred_at=at,
            source=source,
            entity_id=str(row.id),
        )

    made = [event(EventType.ORDER_UPDATED, OrderUpdatedPayload(**common, changed_fields=fields), version)]
    if row.status != previous:
        payload = OrderStatusPayload(**common, previous_status=previous)
        types = [EventType.ORDER_STATUS_CHANGED, *filter(None, [TYPE_OF_STATUS.get(row.status)])]
        made += [event(event_type, payload, status_version(row.status, at)) for event_type in types]
    return made


def _common(row: OrderRow, store: StoreFacts) -> dict[str, Any]:
    zero = type(row.total_amount)(0)
    return {
        "order_id": row.id,
        "order_number": str(row.id)[:8].upper(),
        "status": row.status,
        "customer_name": row.customer_name,
        "customer_phone": row.customer_phone,
        "customer_email": row.customer_email,
        "customer_id": row.customer_id,
        "order_type": row.order_type or "delivery",
        "total": row.total_amount,
        "currency": store.currency,
        "delivery_address": _address(row),
        "delivery_price": row.delivery_price or zero,
        "coupon_code": row.coupon_code,
        "coupon_discount": row.coupon_discount or zero,
        "payment_method": row.payment_method,
        "payment_proof_url": row.payment_proof_url,
        "tracking_code": row.tracking_code,
        "estimated_delivery_minutes": row.estimated_delivery_minutes,
        "table_number": _table_number(row.notes),
        "notes": row.notes,
        "created_at": _utc(row.created_at),
        "updated_at": _utc(row.updated_at),
    }


def _address(row: OrderRow) -> Address | None:
    if not row.delivery_address:
        return None
    return Address(text=row.delivery_address, lat=row.delivery_lat, lng=row.delivery_lng, zone=row.delivery_zone_name)


def _table_number(notes: str | None) -> str | None:
    found = _TABLE_LINE.match(notes or "")
    return found[1].strip() if found else None


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else in_utc(instant)


def _encoded(payload: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(encode_payload(payload))
