"""What the storefront does: separate requests as role anon, and the webhook body that pg_net sends after each change.

`pideai-today.md`, "How an order is born": a customer is looked up by e-mail or inserted, then the order, then its
items. `supabase.md` 2.1: the body of a Database Webhook is the text of a jsonb with whole rows and nothing else.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from pideai_host.api import PideaiError
from pideai_host.db.sql import load, query

PG_NET_HEADERS: Final = {"Accept": "*/*", "Content-Type": "application/json", "User-Agent": "pg_net/0.20.4"}
_PLACE: Final = query(load("pideai_host.demo", "sql/place_order.sql"))
_ITEMS: Final = query(load("pideai_host.demo", "sql/place_items.sql"))
_MOVE: Final = query(load("pideai_host.demo", "sql/move_order.sql"))


class WebhookRefused(PideaiError):  # noqa: N818 - the demo's own condition
    """The host did not accept a change."""

    code = "demo_webhook_refused"


class Item(msgspec.Struct, frozen=True):
    """A line of the basket: a menu item by name, how many, and extras with their prices."""

    name: str
    quantity: int
    price: Decimal
    extras: tuple[tuple[str, Decimal], ...] = ()


BASKET: Final = (
    Item("Arepa reina pepiada", 2, Decimal("4.50"), (("Extra aguacate", Decimal("0.75")),)),
    Item("Papelón con limón", 1, Decimal("1.50")),
)
DELIVERY: Final = Decimal("2.50")
TOTAL: Final = sum((i.quantity * (i.price + sum((p for _, p in i.extras), Decimal(0))) for i in BASKET), DELIVERY)


class Storefront:
    """A customer at a store, and the database webhook behind it.

    Args:
        connection: The owner's, in autocommit mode; each change runs in a transaction of its own as anon or, for the
            status, as the kitchen.
        client: For the webhook.
        webhook_url: ``…/webhooks/supabase`` of the host.
        webhook_secret: What X-PideAI-Webhook-Secret must say.
    """

    def __init__(
        self, connection: AsyncConnection[TupleRow], client: httpx.AsyncClient, *, webhook_url: str, webhook_secret: str
    ) -> None:
        self._connection = connection
        self._client = client
        self._webhook_url = webhook_url
        self._headers = {**PG_NET_HEADERS, "X-PideAI-Webhook-Secret": webhook_secret}

    async def place_order(self, store_id: UUID) -> UUID:
        """Insert the order, post its webhook, and insert the items in a second transaction."""
        order_id = uuid4()
        await self._change(_PLACE, {"order_id": order_id, "store_id": store_id, "total": TOTAL, "delivery": DELIVERY})
        items = [
            {
                "name": item.name,
                "quantity": item.quantity,
                "price": item.price,
                "extras": [{"name": name, "price": price} for name, price in item.extras],
            }
            for item in BASKET
        ]
        parameters = {"order_id": order_id, "store_id": store_id, "items": msgspec.json.encode(items).decode()}
        async with self._connection.transaction():
            await self._connection.execute("set local role anon")
            await self._connection.execute(_ITEMS, parameters)
        return order_id

    async def move(self, order_id: UUID, status: str) -> None:
        """Set the order's status as the kitchen does, and post the webhook of the change."""
        await self._change(_MOVE, {"order_id": order_id, "status": status}, role=None)

    async def _change(self, statement: Any, parameters: Mapping[str, Any], *, role: str | None = "anon") -> None:
        async with self._connection.transaction():
            if role is not None:
                await self._connection.execute(f"set local role {role}")  # our own constant
            row = await (await self._connection.execute(statement, parameters)).fetchone()
        body = row[0] if row is not None else ""
        answer = await self._client.post(self._webhook_url, content=body.encode(), headers=self._headers)
        if answer.status_code != httpx.codes.ACCEPTED:
            raise WebhookRefused(f"the host answered a database webhook with {answer.status_code}: {answer.text[:200]}")
