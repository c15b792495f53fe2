"""What happens in a store: event types, the event, and a typed payload for each of the twelve types.

On the wire (webhooks, stored payloads) names are camelCase, money is a JSON number with its decimals kept
(`Decimal` here), instants are ISO 8601 in UTC, and an absent value is null. Plugins may add types of their own: then
`PluginEvent.payload` is a dict. Sources: original-design.md 1.2; DESIGN.md 4.1 and 5.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec


class EventType(StrEnum):
    """The twelve types that the host knows; payment types are emitted by plugins only."""

    ORDER_CREATED = "order.created"
    ORDER_UPDATED = "order.updated"
    ORDER_STATUS_CHANGED = "order.status_changed"
    ORDER_READY = "order.ready"
    ORDER_COMPLETED = "order.completed"
    ORDER_CANCELLED = "order.cancelled"
    PAYMENT_INITIATED = "payment.initiated"
    PAYMENT_COMPLETED = "payment.completed"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_REFUNDED = "payment.refunded"
    CUSTOMER_REGISTERED = "customer.registered"
    CART_ABANDONED = "cart.abandoned"


class OrderItemExtra(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something added to one item; `price` is per unit of the item."""

    name: str
    price: Decimal = Decimal(0)


class OrderItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of an order; `unit_price` is without extras."""

    name: str
    quantity: int
    unit_price: Decimal
    extras: tuple[OrderItemExtra, ...] = ()
    item_id: UUID | None = None
    menu_item_id: UUID | None = None

    @property
    def total(self) -> Decimal:
        """The line's price: quantity times (unit price plus extras)."""
        return self.quantity * (self.unit_price + sum((extra.price for extra in self.extras), Decimal(0)))


class Address(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a delivery goes, as the customer wrote it."""

    text: str
    lat: Decimal | None = None
    lng: Decimal | None = None
    zone: str | None = None


class OrderPayload(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every order event tells.

    Attributes:
        order_number: The first 8 characters of the id in upper case: the number people see.
        order_type: delivery, pickup, dine_in; digital_menu may be read from older rows.
        status: pending, confirmed, preparing, ready, out_for_delivery, delivered or cancelled.
        total: What the customer pays, delivery and discount included, in `currency`.
        table_number: Only when the notes begin with a line ``Mesa: N``.
    """

    order_id: UUID
    order_number: str
    status: str
    customer_name: str
    customer_phone: str | None
    order_type: str
    total: Decimal
    currency: str
    customer_email: str | None = None
    customer_id: UUID | None = None
    delivery_address: Address | None = None
    delivery_price: Decimal = Decimal(0)
    coupon_code: str | None = None
    coupon_discount: Decimal = Decimal(0)
    payment_method: str | None = None
    payment_proof_url: str | None = None
    tracking_code: str | None = None
    estimated_delivery_minutes: int | None = None
    table_number: str | None = None
    notes: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class OrderCreatedPayload(OrderPayload, frozen=True, kw_only=True, rename="camel"):
    """A new order, with its items.

    Attributes:
        items: In the order in which they were written.
        items_complete: False when the items did not add up to the total within the time the host waits (DESIGN.md 4.5).
    """

    items: tuple[OrderItem, ...] = ()
    items_complete: bool = False


class OrderUpdatedPayload(OrderPayload, frozen=True, kw_only=True, rename="camel"):
    """Any change of an order's row; `changed_fields` names the columns that differ, sorted."""

    changed_fields: tuple[str, ...] = ()


class OrderStatusPayload(OrderPayload, frozen=True, kw_only=True, rename="camel"):
    """A change of status, for order.status_changed, order.ready, order.completed and order.cancelled."""

    previous_status: str


class PaymentPayload(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every payment event tells; emitted by payment plugins only."""

    payment_id: str
    amount: Decimal
    currency: str
    order_id: UUID | None = None
    method: str | None = None
    provider: str | None = None
    reference: str | None = None


class PaymentFailedPayload(PaymentPayload, frozen=True, kw_only=True, rename="camel"):
    """A payment that will not come; `reason` is for the owner."""

    reason: str


class PaymentRefundedPayload(PaymentPayload, frozen=True, kw_only=True, rename="camel"):
    """Money given back; `amount` is what this refund returns."""

    refund_id: str
    reason: str | None = None


class CustomerRegisteredPayload(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The first order of a customer in this store (customers themselves belong to no store)."""

    customer_id: UUID
    name: str
    first_order_id: UUID
    email: str | None = None
    phone: str | None = None


class CartAbandonedPayload(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A cart left behind for longer than its store's delay; `items` are the storefront's own JSON."""

    cart_id: UUID
    total: Decimal
    currency: str
    items: list[Any] = []
    customer_name: str | None = None
    customer_phone: str | None = None
    customer_email: str | None = None
    recovery_token: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None


type_of_payload: Final[dict[str, type[msgspec.Struct]]] = {
    EventType.ORDER_CREATED: OrderCreatedPayload,
    EventType.ORDER_UPDATED: OrderUpdatedPayload,
    EventType.ORDER_STATUS_CHANGED: OrderStatusPayload,
    EventType.ORDER_READY: OrderStatusPayload,
    EventType.ORDER_COMPLETED: OrderStatusPayload,
    EventType.ORDER_CANCELLED: OrderStatusPayload,
    EventType.PAYMENT_INITIATED: PaymentPayload,
    EventType.PAYMENT_COMPLETED: PaymentPayload,
    EventType.PAYMENT_FAILED: PaymentFailedPayload,
    EventType.PAYMENT_REFUNDED: PaymentRefundedPayload,
    EventType.CUSTOMER_REGISTERED: CustomerRegisteredPayload,
    EventType.CART_ABANDONED: CartAbandonedPayload,
}
"""Event type -> its payload struct. A type that is not here has a dict as payload."""


class PluginEventType(msgspec.Struct, frozen=True, kw_only=True):
    """A type of events that a plugin adds, declared by the hook `event_sources`.

    Its payloads are dicts. Whoever emits it, in whichever plugin, is held to the schema; any plugin can subscribe.

    Attributes:
        type: A dotted lower-case name, by habit under the plugin's own word: ``courier.late``.
        payload_schema: JSON Schema 2020-12 of the payload, an object. References stay inside it.
        sample: A payload that fits: what owners try plugins out with.
    """

    type: str
    payload_schema: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "object"})
    sample: dict[str, Any] = {}


class PluginEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that happened in one store, the same for every plugin, retry and replay but for what `metadata` says.

    Attributes:
        id: Deterministic: the same change through any door has the same id (DESIGN.md 4.2).
        type: One of `EventType`, or a type that a plugin added.
        timestamp: When it happened, aware UTC.
        payload: The struct of `type_of_payload`, or a dict for a plugin's own type.
        metadata: Small facts about the event itself, such as its `source`; never secrets. `late` is True when order was
            asked for and a later event of the same entity began before this one was known.
    """

    id: UUID
    type: str
    store_id: UUID
    timestamp: datetime
    payload: msgspec.Struct | dict[str, Any]
    metadata: dict[str, Any] = {}
