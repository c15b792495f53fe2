"""What the demo shows: read back from the delivery log and the shop's tables, never assumed."""

from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, args_row

from pideai_host.db.sql import load, query

TERMINAL: Final = frozenset({"sent", "delivered", "failed", "unknown", "expired", "cancelled"})
_PROGRESS: Final = query(load("pideai_host.demo", "sql/progress.sql"))
_MESSAGES: Final = query(load("pideai_host.demo", "sql/messages.sql"))
_decode_history: Final = msgspec.json.Decoder(list[dict[str, Any]]).decode


class Row(msgspec.Struct, frozen=True):
    """One event and one of its deliveries; an event that nobody subscribed to has None from `plugin` on.

    `skipped` is why a plugin had nothing to do.
    """

    event_id: UUID
    type: str
    created_at: Any
    plugin: str | None
    delivery_id: UUID | None
    status: str | None
    attempts: int | None
    response_code: int | None
    skipped: str | None
    history: str | None

    @property
    def is_done(self) -> bool:
        """Whether nothing more will happen."""
        return self.plugin is None or self.status in TERMINAL

    @property
    def attempt_log(self) -> list[dict[str, Any]]:
        """Every attempt so far, in order."""
        return _decode_history(self.history or "[]")


class Message(msgspec.Struct, frozen=True):
    """One row of whatsapp_messages."""

    type: str
    phone: str
    text: str
    status: str
    credit_type: str | None


async def read_progress(connection: AsyncConnection[TupleRow], store_id: UUID, order_id: UUID) -> list[Row]:
    """Read every event of an order with its deliveries, in the order in which they happened."""
    async with connection.cursor(row_factory=args_row(Row)) as cursor:
        await cursor.execute(_PROGRESS, {"store_id": store_id, "orders": [str(order_id)]})
        return await cursor.fetchall()


async def read_messages(connection: AsyncConnection[TupleRow], store_id: UUID, order_id: UUID) -> list[Message]:
    """Read the WhatsApp messages of an order, oldest first."""
    async with connection.cursor(row_factory=args_row(Message)) as cursor:
        await cursor.execute(_MESSAGES, {"store_id": store_id, "orders": [order_id]})
        return await cursor.fetchall()
