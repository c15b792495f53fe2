"""What the plugin reads and writes in the shop's tables, behind one protocol.

`Records` is the seam: `SqlRecords` speaks to the database through the context, tests bring their own. Every statement
is one ``.sql`` file beside this module, and every one is bound to one store.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from pideai_host.api import Database, OrderItem, OrderItemExtra, StoreUnknown
from pideai_whatsapp.errors import AmountUnusable, RecordLost
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.money import PriceFormat
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.templates import MessageType


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that one message needs to know of its store.

    Attributes:
        is_enabled: False only when ``whatsapp_settings`` has a row that does not say true.
        is_connected: True when the store's WhatsApp session stands, as far as the settings know.
        template: The store's own text of this kind, or None.
        is_wanted: False when the store keeps the template switched off.
        message_status: Status of this message's row, or None when it was never claimed.
    """

    store: Store
    is_enabled: bool = True
    is_connected: bool = False
    template: str | None = None
    is_wanted: bool = True
    message_status: str | None = None
    provider_message_id: str | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is ready to go.

    Attributes:
        id: Follows from the delivery's id, so that every attempt means the same row.
    """

    id: UUID
    order_id: UUID
    kind: MessageType
    phone: Phone
    customer_name: str
    text: str


class Records(Protocol):
    """The store's rows that this plugin works with."""

    async def facts(self, kind: MessageType, message_id: UUID) -> Facts:
        """Return what a message of this kind needs to know.

        Raises:
            StoreUnknown: the store is gone.
        """

    async def items(self, order_id: UUID) -> tuple[OrderItem, ...]:
        """Return the items of an order of this store, in the order in which they were written.

        Raises:
            AmountUnusable: a price is not a number.
        """

    async def is_foreign_instance(self, instance_name: str) -> bool:
        """Tell whether an instance name belongs to another store."""

    async def claim(self, draft: Draft, *, credit_type: str) -> bool:
        """Write the message down as pending; False when another attempt holds it or it was sent. Atomic."""

    async def mark_sent(self, message_id: UUID, *, provider_message_id: str) -> None:
        """Note that the provider accepted it."""

    async def mark_failed(self, message_id: UUID, *, reason: str) -> None:
        """Note that the provider is known not to have accepted it: it may be claimed again."""

    async def mark_unknown(self, message_id: UUID, *, reason: str) -> None:
        """Note that nobody knows: it stays pending, and cannot be claimed again."""


_FACTS: Final = statement("facts")
_ITEMS: Final = statement("items")
_FOREIGN_INSTANCE: Final = statement("foreign_instance")
_CLAIM: Final = statement("claim")
_SETTLE: Final = statement("settle")

_extras: Final = msgspec.json.Decoder(list[dict[str, Any]] | None, float_hook=Decimal)


class SqlRecords:
    """`Records` in the shop's own tables, for one store."""

    def __init__(self, db: Database, store_id: UUID) -> None:
        self._db = db
        self._store_id = store_id

    async def facts(self, kind: MessageType, message_id: UUID) -> Facts:
        """Read store, settings, template and this message's row in one statement."""
        row = await self._db.fetch_one(
            _FACTS, {"store_id": self._store_id, "message_type": kind.value, "message_id": message_id}
        )
        if row is None:
            raise StoreUnknown(self._store_id)
        return _facts_of(row)

    async def items(self, order_id: UUID) -> tuple[OrderItem, ...]:
        """Read at most 500 items."""
        rows = await self._db.fetch(_ITEMS, {"store_id": self._store_id, "order_id": order_id})
        return tuple(_item_of(row) for row in rows)

    async def is_foreign_instance(self, instance_name: str) -> bool:
        """Compare without regard to case with other stores' subdomains and settings."""
        row = await self._db.fetch_one(_FOREIGN_INSTANCE, {"store_id": self._store_id, "instance_name": instance_name})
        return row is not None and bool(row["is_foreign"])

    async def claim(self, draft: Draft, *, credit_type: str) -> bool:
        """Insert the row, or take a failed one again."""
        row = await self._db.fetch_one(
            _CLAIM,
            {
                "id": draft.id,
                "store_id": self._store_id,
                "order_id": draft.order_id,
                "phone": draft.phone,
                "customer_name": draft.customer_name,
                "message_type": draft.kind.value,
                "text": draft.text,
                "credit_type": credit_type,
            },
        )
        return row is not None and bool(row["is_claimed"])

    async def mark_sent(self, message_id: UUID, *, provider_message_id: str) -> None:
        """Move pending to sent."""
        await self._settle(message_id, status="sent", provider_message_id=provider_message_id, error=None)

    async def mark_failed(self, message_id: UUID, *, reason: str) -> None:
        """Move pending to failed."""
        await self._settle(message_id, status="failed", provider_message_id=None, error=reason)

    async def mark_unknown(self, message_id: UUID, *, reason: str) -> None:
        """Leave it pending, with the reason."""
        await self._settle(message_id, status="pending", provider_message_id=None, error=reason)

    async def _settle(
        self, message_id: UUID, *, status: str, provider_message_id: str | None, error: str | None
    ) -> None:
        touched = await self._db.execute(
            _SETTLE,
            {
                "id": message_id,
                "store_id": self._store_id,
                "status": status,
                "provider_message_id": provider_message_id,
                "error": error,
            },
        )
        if touched != 1:
            raise RecordLost(f"message {message_id} has no row to be marked {status}")


def _facts_of(row: Mapping[str, Any]) -> Facts:
    named = {column: row[column] for column in ("delivery_label", "pickup_label", "digital_menu_label") if row[column]}
    return Facts(
        store=Store(
            name=row["name"],
            subdomain=row["subdomain"],
            address=row["address"],
            country=row["country"],
            price_format=_price_format_of(row),
            **named,
        ),
        is_enabled=row["is_enabled"],
        is_connected=row["is_connected"],
        template=row["message_body"],
        is_wanted=row["is_wanted"],
        message_status=row["message_status"],
        provider_message_id=row["evolution_message_id"],
    )


def _price_format_of(row: Mapping[str, Any]) -> PriceFormat:
    """Take the columns that are set; an empty thousands separator is a store's choice, a null one is not."""
    given = {
        "currency": row["currency"],
        "thousands": row["thousands_separator"],
        "decimal": row["decimal_separator"],
        "places": row["decimal_places"],
    }
    return PriceFormat(**{name: value for name, value in given.items() if value is not None})


def _item_of(row: Mapping[str, Any]) -> OrderItem:
    return OrderItem(
        name=row["name"],
        quantity=row["quantity"],
        unit_price=_amount(row["unit_price"]),
        extras=_extras_of(row["extras"]),
    )


def _extras_of(text: str | None) -> tuple[OrderItemExtra, ...]:
    """Read extras as the table or the storefront's JSON column holds them; anything else counts as none."""
    if text is None:
        return ()
    try:
        found = _extras.decode(text) or []
    except (msgspec.DecodeError, RecursionError):
        return ()
    return tuple(
        OrderItemExtra(name=str(name), price=_amount(str(extra.get("price", extra.get("extra_price")) or 0)))
        for extra in found
        if (name := extra.get("name") or extra.get("extra_name"))
    )


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as problem:
        raise AmountUnusable("Un precio del pedido no es un número.") from problem
