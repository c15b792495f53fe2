"""The order that all benchmarks are about: a row of about 1 kB as a database webhook carries it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from pideai_host.api import OrderCreatedPayload, OrderItem
from pideai_host.events import sources
from pideai_host.events.rows import read_change

PLACEHOLDER = UUID("00000000-0000-4000-8000-000000000000")
"""Where the order's own id goes."""

TOTAL = Decimal("29.50")
DELIVERY = Decimal("2.50")
ITEMS = (
    ("Arepa reina pepiada", 2, Decimal("6.75")),
    ("Empanada de queso", 3, Decimal("3.50")),
    ("Papelón con limón", 2, Decimal("1.50")),
)
"""Name, quantity and price; with the delivery they make the total."""


def change_body(store_id: UUID, order_id: UUID = PLACEHOLDER) -> bytes:
    """Return the body of the webhook for an INSERT. The customer is a guest, so the insert is one event."""
    now = datetime.now(UTC).isoformat()
    record: dict[str, Any] = {
        "id": str(order_id),
        "store_id": str(store_id),
        "user_id": None,
        "customer_id": None,
        "customer_name": "María Fernanda Rodríguez",
        "customer_email": "maria.fernanda@example.com",
        "customer_phone": "0412-555.01.34",
        "order_type": "delivery",
        "status": "pending",
        "total_amount": float(TOTAL),
        "delivery_price": float(DELIVERY),
        "calculated_delivery_price": None,
        "coupon_code": None,
        "coupon_discount": 0,
        "payment_method": "Pago Móvil",
        "payment_proof_url": None,
        "notes": "Sin cebolla, por favor; llamar al llegar.",
        "tracking_code": "K7WQ2M9X",
        "delivery_address": "Av. Francisco de Miranda, Edif. Parque Cristal, piso 4, Los Palos Grandes, Caracas",
        "delivery_lat": 10.4961,
        "delivery_lng": -66.8489,
        "delivery_zone_name": "Los Palos Grandes",
        "distance_km": 3.4,
        "estimated_delivery_minutes": 35,
        "assigned_driver_id": None,
        "created_at": now,
        "updated_at": now,
    }
    change = {"type": "INSERT", "table": "orders", "schema": "public", "record": record, "old_record": None}
    return json.dumps(change, ensure_ascii=False).encode()


def created_payload(store_id: UUID, *, with_items: bool) -> str:
    """Return the event's payload as the host keeps it, before or after its items are filled in."""
    order = sources.read(read_change(change_body(store_id)))
    if order is None:
        raise RuntimeError("an INSERT of an order means something")
    made = sources.events_of(order, sources.StoreFacts(currency="USD"), source="webhook", now=lambda: datetime.now(UTC))
    payload = msgspec.json.decode(made[0].payload, type=OrderCreatedPayload)
    if with_items:
        payload = msgspec.structs.replace(payload, items=_items(), items_complete=True)
    return sources.encode_payload(payload).decode()


def _items() -> tuple[OrderItem, ...]:
    return tuple(
        OrderItem(item_id=PLACEHOLDER, menu_item_id=PLACEHOLDER, name=name, quantity=quantity, unit_price=price)
        for name, quantity, price in ITEMS
    )
