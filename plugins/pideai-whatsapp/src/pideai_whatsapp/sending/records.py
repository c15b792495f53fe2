"""What the plugin reads and writes in the shop's tables and in its own: `facts.Records` on the database.

Every statement is one ``.sql`` file, and every one is bound to one store.
"""

from typing import Final
from uuid import UUID

from pideai_host.api import Database, OrderItem, OrderPayload, StoreUnknown
from pideai_whatsapp.channel.suspect import mark_suspect
from pideai_whatsapp.errors import RecordLost
from pideai_whatsapp.sending import opt_outs
from pideai_whatsapp.sending.facts import CartState, Draft, Earlier, Facts, OrderChange, SendState
from pideai_whatsapp.sending.queued import text_hash
from pideai_whatsapp.sending.rows import facts_of, item_of, order_of, order_style_of
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.order_style import OrderStyle
from pideai_whatsapp.text.phones import Phone, digits_of
from pideai_whatsapp.text.templates import MessageType

_FACTS: Final = statement("facts")
_ORDER_STYLE: Final = statement("order_style")
_ORDER: Final = statement("order")
_ITEMS: Final = statement("items")
_FOREIGN_INSTANCE: Final = statement("foreign_instance")
_CLAIM: Final = statement("claim")
_SETTLE: Final = statement("settle")
_CLOSE: Final = statement("close")
_CART: Final = statement("cart")
_CART_REMINDED: Final = statement("cart_reminded")


class SqlRecords:
    """`Records` in the shop's own tables, for one store."""

    def __init__(self, db: Database, store_id: UUID) -> None:
        self._db = db
        self._store_id = store_id

    async def facts(
        self,
        kind: MessageType,
        message_id: UUID,
        *,
        order_id: UUID | None = None,
        change: OrderChange | None = None,
        campaign_id: UUID | None = None,
    ) -> Facts:
        """Read store, settings, template and what is known of this message in one statement."""
        row = await self._db.fetch_one(
            _FACTS,
            {
                "store_id": self._store_id,
                "message_type": kind.value,
                "message_id": message_id,
                "order_id": order_id,
                "status": None if change is None else change.status,
                "version": None if change is None else change.version,
                "campaign_id": campaign_id,
            },
        )
        if row is None:
            raise StoreUnknown(self._store_id)
        return facts_of(row)

    async def order_style(self, order_id: UUID | None = None) -> tuple[OrderStyle, str | None]:
        """Read the four templates, the rate of the day and the receipt's short address."""
        row = await self._db.fetch_one(_ORDER_STYLE, {"store_id": self._store_id, "order_id": order_id})
        if row is None:
            raise StoreUnknown(self._store_id)
        return order_style_of(row), row["proof_url"]

    async def order(self, order_id: UUID) -> OrderPayload | None:
        """Read the order's row."""
        row = await self._db.fetch_one(_ORDER, {"store_id": self._store_id, "order_id": order_id})
        return None if row is None else order_of(row)

    async def items(self, order_id: UUID) -> tuple[OrderItem, ...]:
        """Read at most 500 items."""
        rows = await self._db.fetch(_ITEMS, {"store_id": self._store_id, "order_id": order_id})
        return tuple(item_of(row) for row in rows)

    async def cart(self, cart_id: UUID, phone: Phone) -> CartState | None:
        """Read the cart, and look for an order since."""
        row = await self._db.fetch_one(
            _CART, {"store_id": self._store_id, "cart_id": cart_id, "digits": digits_of(phone)}
        )
        return None if row is None else CartState(is_open=row["is_open"], has_ordered=row["has_ordered"])

    async def mark_reminded(self, cart_id: UUID) -> None:
        """Set ``reminder_sent`` once."""
        await self._db.execute(_CART_REMINDED, {"store_id": self._store_id, "cart_id": cart_id})

    async def is_opted_out(self, phone: Phone) -> bool:
        """Ask for the phone's line."""
        return await opt_outs.is_opted_out(self._db, self._store_id, phone)

    async def is_foreign_instance(self, instance_name: str) -> bool:
        """Compare without regard to case with other stores' subdomains and settings."""
        row = await self._db.fetch_one(_FOREIGN_INSTANCE, {"store_id": self._store_id, "instance_name": instance_name})
        return row is not None and bool(row["is_foreign"])

    async def doubt_channel(self, provider: str) -> None:
        """Mark it suspect."""
        await mark_suspect(self._db, self._store_id, provider=provider)

    async def claim(self, draft: Draft, *, credit_type: str, provider: str, delivery_id: UUID | None) -> int:
        """Insert both rows, or take those of a message that is new or refused."""
        row = await self._db.fetch_one(
            _CLAIM,
            {
                "id": draft.id,
                "store_id": self._store_id,
                "order_id": draft.order_id,
                "campaign_id": draft.campaign_id,
                "phone": draft.phone,
                "customer_name": draft.customer_name,
                "message_type": draft.kind.value,
                "text": draft.text,
                "text_sha256": text_hash(draft.text),
                "image_url": draft.image_url,
                "credit_type": credit_type,
                "provider": provider,
                "delivery_id": delivery_id,
            },
        )
        return 0 if row is None else int(row["claims"])

    async def settle(
        self,
        message_id: UUID,
        state: SendState,
        *,
        provider_message_id: str | None = None,
        error: str | None = None,
        is_final: bool = True,
    ) -> Earlier:
        """Move both rows in one statement."""
        row = await self._db.fetch_one(
            _SETTLE,
            {
                "id": message_id,
                "store_id": self._store_id,
                "state": state.value,
                "provider_message_id": provider_message_id,
                "error": error,
                "is_final": is_final,
            },
        )
        if row is None:
            raise RecordLost(f"message {message_id} has no row to be marked {state}")
        return Earlier(state=SendState(row["state"]), provider_message_id=row["provider_message_id"])

    async def close(self, message_id: UUID, *, error: str) -> None:
        """Fail what is new or refused."""
        await self._db.execute(_CLOSE, {"id": message_id, "store_id": self._store_id, "error": error})
