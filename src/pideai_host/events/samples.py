"""What is known of event types: the JSON Schema of each payload as it goes over the wire, and a sample of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from pideai_host.api import (
    Address,
    CartAbandonedPayload,
    CustomerRegisteredPayload,
    EventType,
    OrderCreatedPayload,
    OrderItem,
    OrderItemExtra,
    OrderStatusPayload,
    OrderUpdatedPayload,
    PaymentFailedPayload,
    PaymentPayload,
    PaymentRefundedPayload,
    type_of_payload,
)
from pideai_host.events.sources import encode_payload
from pideai_host.plugins.declared import DeclaredType

_AT: Final = datetime(2026, 11, 22, 13, 31, 1, tzinfo=UTC)
_ORDER: Final = UUID("b6f5f3a4-0f39-4a54-9f43-3d2f4a4f5d10")
_CUSTOMER: Final = UUID("6f2b1a0c-5a3e-4c1d-9b7a-1e2d3c4b5a69")
_ANY_OBJECT: Final = {"type": "object"}
_NONE: Final[Mapping[str, DeclaredType]] = MappingProxyType({})

_CREATED: Final = OrderCreatedPayload(
    order_id=_ORDER,
    order_number="B6F5F3A4",
    status="pending",
    customer_name="Ana Pérez",
    customer_phone="04120000000",
    customer_email="ana@example.com",
    customer_id=_CUSTOMER,
    order_type="delivery",
    total=Decimal("12.50"),
    currency="USD",
    delivery_address=Address(text="Av. Bolívar, edificio Sol, piso 2", zone="Centro"),
    delivery_price=Decimal("2.00"),
    payment_method="pago_movil",
    created_at=_AT,
    updated_at=_AT,
    items=(
        OrderItem(
            name="Arepa reina pepiada",
            quantity=2,
            unit_price=Decimal("4.50"),
            extras=(OrderItemExtra(name="Queso", price=Decimal("0.75")),),
        ),
    ),
    items_complete=True,
)


def _as(struct: type[msgspec.Struct], **more: Any) -> msgspec.Struct:
    known = {name: getattr(_CREATED, name) for name in struct.__struct_fields__ if hasattr(_CREATED, name)}
    return struct(**known | more)


def _payment(struct: type[msgspec.Struct] = PaymentPayload, **more: Any) -> msgspec.Struct:
    return struct(
        payment_id="pm-2031",
        amount=Decimal("12.50"),
        currency="USD",
        order_id=_ORDER,
        method="pago_movil",
        provider="example",
        reference="004512",
        **more,
    )


_SAMPLES: Final[Mapping[str, msgspec.Struct]] = {
    EventType.ORDER_CREATED: _CREATED,
    EventType.ORDER_UPDATED: _as(OrderUpdatedPayload, changed_fields=("notes", "updated_at"), notes="Sin cebolla"),
    EventType.ORDER_STATUS_CHANGED: _as(OrderStatusPayload, status="preparing", previous_status="confirmed"),
    EventType.ORDER_READY: _as(OrderStatusPayload, status="ready", previous_status="preparing"),
    EventType.ORDER_COMPLETED: _as(OrderStatusPayload, status="delivered", previous_status="out_for_delivery"),
    EventType.ORDER_CANCELLED: _as(OrderStatusPayload, status="cancelled", previous_status="pending"),
    EventType.PAYMENT_INITIATED: _payment(),
    EventType.PAYMENT_COMPLETED: _payment(),
    EventType.PAYMENT_FAILED: _payment(PaymentFailedPayload, reason="El banco rechazó la operación"),
    EventType.PAYMENT_REFUNDED: _payment(PaymentRefundedPayload, refund_id="rf-118", reason="Pedido cancelado"),
    EventType.CUSTOMER_REGISTERED: CustomerRegisteredPayload(
        customer_id=_CUSTOMER,
        name="Ana Pérez",
        first_order_id=_ORDER,
        email="ana@example.com",
        phone="04120000000",
    ),
    EventType.CART_ABANDONED: CartAbandonedPayload(
        cart_id=UUID("0b9e4a7c-7f0d-4e3a-8c11-5d6e7f8a9b0c"),
        total=Decimal("9.00"),
        currency="USD",
        items=[{"name": "Arepa reina pepiada", "quantity": 2, "price": 4.5}],
        customer_name="Ana Pérez",
        customer_phone="04120000000",
        recovery_token="a-token-of-the-shop",  # noqa: S106 - a sample
        created_at=_AT,
        expires_at=_AT,
    ),
}


def schema_of(event_type: str, declared: Mapping[str, DeclaredType] = _NONE) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a type's payload on the wire; what nobody declared has any object."""
    struct = type_of_payload.get(event_type)
    if struct is None:
        return dict(declared[event_type].schema if event_type in declared else _ANY_OBJECT)
    schema: dict[str, Any] = _with_numbers(msgspec.json.schema(struct))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def sample_of(event_type: str, declared: Mapping[str, DeclaredType] = _NONE) -> dict[str, Any]:
    """Return a sample of a type's payload on the wire; of what nobody declared an empty one."""
    sample = _SAMPLES.get(event_type)
    if sample is None:
        return dict(declared[event_type].sample) if event_type in declared else {}
    return msgspec.json.decode(encode_payload(sample), type=dict[str, Any])


def _with_numbers(schema: Any) -> Any:
    """Say of money what it is on the wire: msgspec describes a Decimal as the string that it would write by default."""
    if isinstance(schema, dict):
        if schema.get("format") == "decimal":
            return {name: value for name, value in schema.items() if name != "format"} | {"type": "number"}
        return {name: _with_numbers(value) for name, value in schema.items()}
    return [_with_numbers(one) for one in schema] if isinstance(schema, list) else schema
