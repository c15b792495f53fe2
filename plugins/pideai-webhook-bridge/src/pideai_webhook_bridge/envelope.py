"""What is sent: type, timestamp and data, as Standard Webhooks recommends, and the ids of event and store."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from pideai_host.api import PluginEvent


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of a webhook.

    Attributes:
        type: Such as ``order.created``.
        timestamp: When it happened, not when it is sent.
        id: The event's; the same in every delivery of it, while the header ``webhook-id`` names this delivery.
        data: The event's payload, camelCase, money as JSON numbers with their decimals.
        late: Only there, and true, when the store asked for order and a later event of the same entity went before.
        test: Only there, and true, when the owner tries the receiver out with a sample.
    """

    type: str
    timestamp: datetime
    id: UUID
    store_id: UUID
    data: msgspec.Struct | dict[str, Any]
    late: bool | msgspec.UnsetType = msgspec.UNSET
    test: bool | msgspec.UnsetType = msgspec.UNSET


# The same event gives the same bytes on each attempt, also after its payload was stored and read again.
_encoder = msgspec.json.Encoder(decimal_format="number", order="deterministic")


def body_of(event: PluginEvent) -> bytes:
    """Return the body for an event; deterministic."""
    return _encoder.encode(
        Envelope(
            type=event.type,
            timestamp=event.timestamp,
            id=event.id,
            store_id=event.store_id,
            data=event.payload,
            late=event.metadata.get("late", msgspec.UNSET),
            test=event.metadata.get("test", msgspec.UNSET),
        )
    )
