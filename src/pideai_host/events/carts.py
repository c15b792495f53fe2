"""Carts that were left behind (cart.abandoned). No change tells of it: time passing does, so the scheduler looks.

A cart is given up when it was not recovered for as long as its store's delay says. A delay that an owner shortens holds
for the carts that are given up from then on.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from pideai_host.api import CartAbandonedPayload, EventType
from pideai_host.db.pool import Pool
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.identity import event_id
from pideai_host.events.intake import Intake
from pideai_host.events.rows import ABSENT, Change, NotUnderstood, in_utc
from pideai_host.events.sources import NewEvent, encode_payload
from pideai_host.events.sweep import Key, Sweep, Table, load_sql

CARTS: Final = "public.abandoned_carts"


class CartRow(msgspec.Struct, frozen=True):
    """A row of public.abandoned_carts."""

    id: UUID
    store_id: UUID
    cart_total: Decimal
    created_at: datetime
    cart_data: msgspec.Raw = ABSENT
    customer_name: str | None = None
    customer_phone: str | None = None
    customer_email: str | None = None
    recovery_token: str | None = None
    expires_at: datetime | None = None


class _Wrapped(msgspec.Struct, frozen=True):
    """A cart that is an object around its items."""

    items: list[msgspec.Raw]


_decode_cart: Final = msgspec.json.Decoder(CartRow).decode
_decode_items: Final = msgspec.json.Decoder(list[msgspec.Raw] | _Wrapped | None).decode


class CartReader:
    """Turns carts that were given up into events."""

    def __init__(self, directory: StoreDirectory) -> None:
        self._directory = directory

    async def events_of(self, change: Change, *, source: str) -> list[NewEvent]:
        """Return the one event of a cart, as of its creation: when it was given up is for the sweep to say.

        Raises:
            NotUnderstood: the row makes no sense, or its store is not known.
            psycopg.Error: the store had to be looked up and could not be.
        """
        cart = read_cart(change.record)
        store = await self._directory.get(cart.store_id)
        if store is None:
            raise NotUnderstood("unknown_store", str(cart.store_id))
        payload = CartAbandonedPayload(
            cart_id=cart.id,
            total=cart.cart_total,
            currency=store.facts.currency,
            items=items_of(cart.cart_data),
            customer_name=cart.customer_name,
            customer_phone=cart.customer_phone,
            customer_email=cart.customer_email,
            recovery_token=cart.recovery_token,
            created_at=cart.created_at,
            expires_at=cart.expires_at,
        )
        return [
            NewEvent(
                id=_cart_event(cart.id),
                store_id=cart.store_id,
                type=EventType.CART_ABANDONED,
                payload=msgspec.Raw(encode_payload(payload)),
                occurred_at=cart.created_at,
                source=source,
                entity_id=str(cart.id),
            )
        ]


def read_cart(raw: msgspec.Raw) -> CartRow:
    """Read a row of abandoned_carts, its dates in UTC; raises `NotUnderstood` (bad_row) with what is wrong in it."""
    try:
        cart = _decode_cart(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood("bad_row", str(error)) from error
    if not cart.cart_total.is_finite():
        raise NotUnderstood("bad_row", f"cart_total is {cart.cart_total}, which is no amount")
    return msgspec.structs.replace(
        cart,
        created_at=in_utc(cart.created_at),
        expires_at=None if cart.expires_at is None else in_utc(cart.expires_at),
    )


def items_of(cart_data: msgspec.Raw) -> list[msgspec.Raw]:
    """Return the items of a cart as the storefront wrote them: the list, or what stands under `items`; else none."""
    try:
        found = _decode_items(cart_data)
    except (msgspec.MsgspecError, RecursionError):
        return []
    return found.items if isinstance(found, _Wrapped) else found or []


def _cart_event(cart_id: UUID) -> UUID:
    return event_id(CARTS, str(cart_id), EventType.CART_ABANDONED)


def _event_of(key: Key) -> UUID:
    return _cart_event(key.entity_id)


_TABLE: Final = Table(
    name="abandoned_carts",
    change="INSERT",
    of="abandoned_carts",
    needs={
        "abandoned_carts": frozenset({"id", "store_id", "created_at", "expires_at", "recovered", "reminder_sent"}),
        "whatsapp_settings": frozenset({"store_id", "abandoned_cart_delay_minutes"}),
    },
    keys=load_sql("sweep_carts"),
    rows=load_sql("sweep_cart_rows"),
    event=_event_of,
)


def cart_sweep(pool: Pool, directory: StoreDirectory, intake: Intake) -> Sweep:
    """Make what looks for carts that were given up since it last did."""
    return Sweep(pool, CartReader(directory), intake, tables=(_TABLE,))
