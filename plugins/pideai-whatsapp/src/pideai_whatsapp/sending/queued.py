"""Messages that somebody asked for: by hand, or by a campaign. They wait as events of the plugin's own.

So they go the way of every delivery: in turn, retried, counted, replayable, and campaigns in the bulk lane. The row in
``whatsapp_messages`` is there from the start, so that the panel shows what is still to come.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from pideai_host.api import PluginContext
from pideai_whatsapp.errors import MessageIdTaken
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.templates import MessageType

MANUAL_MESSAGE: Final = "whatsapp.manual_message"
CAMPAIGN_MESSAGE: Final = "whatsapp.campaign_message"


class QueuedMessage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message as it is to be sent; the payload of both event types.

    Attributes:
        message_id: Its row in ``whatsapp_messages``; the same id is the same message, however often it is queued.
        kind: `MessageType.MANUAL` or `MessageType.CAMPAIGN`, or the kind whose template it was written from.
        text: What the customer reads, tokens replaced; the caption when there is a picture.
        variables: Values of the tokens that the text was written with, for a provider that keeps the templates itself.
        image_url: A picture to send along, at a public https address.
    """

    message_id: UUID
    phone: Phone
    kind: MessageType
    text: str
    customer_name: str | None = None
    variables: dict[str, str] = {}
    image_url: str | None = None
    order_id: UUID | None = None
    campaign_id: UUID | None = None

    @property
    def event_type(self) -> str:
        """The event that carries it."""
        return MANUAL_MESSAGE if self.campaign_id is None else CAMPAIGN_MESSAGE


def text_hash(text: str) -> bytes:
    """Return the SHA-256 of a text: by it a message is known again whose answer was lost."""
    return sha256(text.encode("utf-8", "replace")).digest()


async def enqueue(context: PluginContext, queued: QueuedMessage, *, bulk: bool = False) -> UUID:
    """Write one message down as pending and have it sent; returns the event's id. See `enqueue_all`."""
    (event_id,) = await enqueue_all(context, (queued,), bulk=bulk)
    return event_id


async def enqueue_all(
    context: PluginContext, messages: Sequence[QueuedMessage], *, bulk: bool = False
) -> tuple[UUID, ...]:
    """Write messages down as pending in one statement, and have each sent. Idempotent by their ids.

    The events are written when the call that `context` belongs to ends well; what is written down and never followed
    by its event is closed as failed some hours later.

    Args:
        context: Of a route, a webhook, a job or a delivery: the host bounds how many one call may emit.
        messages: In the order in which they are to go.
        bulk: Behind the messages of every day: for campaigns.

    Returns:
        The events' ids, in the order of `messages`.

    Raises:
        MessageIdTaken: an id is another store's message; nothing is queued.
    """
    rows = await context.db.fetch(
        statement("enqueue"), {"store_id": context.store_id, "messages": msgspec.json.encode(_rows(messages)).decode()}
    )
    if rows:
        raise MessageIdTaken(f"message {rows[0]['id']} is not this store's")
    return tuple(
        context.emit(one.event_type, msgspec.to_builtins(one), key=f"message:{one.message_id}", bulk=bulk)
        for one in messages
    )


def read_queued(payload: object) -> QueuedMessage:
    """Read the payload of one of the two events.

    Raises:
        msgspec.ValidationError: it is not one; none that `enqueue` made.
    """
    return msgspec.convert(payload, QueuedMessage)


def _rows(messages: Sequence[QueuedMessage]) -> list[dict[str, object]]:
    return [
        {
            "id": one.message_id,
            "order_id": one.order_id,
            "campaign_id": one.campaign_id,
            "phone": one.phone,
            "customer_name": one.customer_name,
            "kind": one.kind,
            "text": one.text,
            "image_url": one.image_url,
            "text_sha256": text_hash(one.text).hex(),
        }
        for one in messages
    ]
