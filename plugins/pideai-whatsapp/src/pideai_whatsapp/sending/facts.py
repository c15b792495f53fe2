"""What one message needs to know, what it is while it is under way, and who reads and writes that: `Records`."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from pideai_host.api import OrderItem, OrderPayload
from pideai_whatsapp.text.order_style import OrderStyle
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.templates import MessageType


class SendState(StrEnum):
    """How far one message is: new, then claimed, then one of the other three."""

    NEW = "new"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier attempts left of this message; the row of ``sends``.

    Attributes:
        provider_message_id: Known once the provider accepted it, or when the provider itself told of it.
        claimed_for_s: Seconds since the last attempt that may have called the provider began; None if none did.
    """

    state: SendState
    provider: str | None = None
    provider_message_id: str | None = None
    claimed_for_s: float | None = None


class OrderChange(msgspec.Struct, frozen=True, kw_only=True):
    """Which change of an order a notice tells of: by it the cutover knows who announces it.

    Attributes:
        status: What it came to, or ``created``.
        version: The instant that the order's row carries with it.
    """

    status: str
    version: datetime | None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that one message needs to know of its store.

    Attributes:
        is_enabled: False only when ``whatsapp_settings`` has a row that does not say true.
        is_connected: True when the store's WhatsApp session stands, as far as its channel knows.
        is_taken: Whether the instance by the store's own name is another store's.
        panel: The flags of ``whatsapp_settings`` that are set, by kind.
        is_adopted: Whether the store sent through WhatsApp before it had the plugin.
        template: The store's own text of this kind, or None.
        is_wanted: False when the store keeps the template switched off.
        campaign_status: Of the message's campaign, if it has one.
        was_said: Whether another message has given the customer this notice of this order.
        side: Who announces the change: host, triggers, or wait while that is being decided.
        earlier: What earlier attempts left, or None.
    """

    store: Store
    is_enabled: bool = True
    is_connected: bool = False
    is_taken: bool = False
    panel: Mapping[MessageType, bool] = {}
    is_adopted: bool = False
    template: str | None = None
    is_wanted: bool = True
    campaign_status: str | None = None
    was_said: bool = False
    side: str = "host"
    earlier: Earlier | None = None


class CartState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a cart is still to be reminded of.

    Attributes:
        is_open: Neither recovered, nor expired, nor reminded of.
        has_ordered: Its customer has placed an order since.
    """

    is_open: bool
    has_ordered: bool = False


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is ready to go.

    Attributes:
        id: Its row in ``whatsapp_messages``; the same on every attempt.
        values: What its tokens stood for, for a provider that keeps the templates itself.
    """

    id: UUID
    kind: MessageType
    phone: Phone
    customer_name: str | None
    text: str
    values: Mapping[str, str] = {}
    image_url: str | None = None
    order_id: UUID | None = None
    campaign_id: UUID | None = None


class Records(Protocol):
    """The rows of one store that this plugin works with."""

    async def facts(
        self,
        kind: MessageType,
        message_id: UUID,
        *,
        order_id: UUID | None = None,
        change: OrderChange | None = None,
        campaign_id: UUID | None = None,
    ) -> Facts:
        """Return what a message of this kind needs to know.

        Raises:
            StoreUnknown: the store is gone.
        """

    async def order_style(self, order_id: UUID | None = None) -> tuple[OrderStyle, str | None]:
        """Return how the store writes its whole orders, and the short address of an order's payment receipt."""

    async def order(self, order_id: UUID) -> OrderPayload | None:
        """Return an order of this store as it is now; None if there is none."""

    async def items(self, order_id: UUID) -> tuple[OrderItem, ...]:
        """Return the items of an order of this store, in the order in which they were written.

        Raises:
            AmountUnusable: a price is not a number.
        """

    async def cart(self, cart_id: UUID, phone: Phone) -> CartState | None:
        """Return whether a cart of this store still waits for its customer; None if it is gone."""

    async def mark_reminded(self, cart_id: UUID) -> None:
        """Note that a cart's customer was reminded. Idempotent."""

    async def is_opted_out(self, phone: Phone) -> bool:
        """Tell whether a phone wants no advertising of this store."""

    async def is_foreign_instance(self, instance_name: str) -> bool:
        """Tell whether an instance name belongs to another store."""

    async def doubt_channel(self, provider: str) -> None:
        """Have the store's messages wait until its channel has shown that it works: it said open and was not."""

    async def claim(self, draft: Draft, *, credit_type: str, provider: str, delivery_id: UUID | None) -> int:
        """Write the message down as claimed. Atomic.

        Returns:
            Its how manieth claim this is; 0 when another attempt has it, or had it and it may have been sent.
        """

    async def settle(
        self,
        message_id: UUID,
        state: SendState,
        *,
        provider_message_id: str | None = None,
        error: str | None = None,
        is_final: bool = True,
    ) -> Earlier:
        """Note what became of a claimed message; returns what holds now.

        Accepted stays accepted, whatever is said later. Unknown is accepted when the provider has told its id of the
        message meanwhile. Refused may be claimed again; while it is not final, the owner sees it as waiting.

        Raises:
            RecordLost: there is no such row.
        """

    async def close(self, message_id: UUID, *, error: str) -> None:
        """Note that a message which was asked for will not be sent; does nothing when it was never written down."""
