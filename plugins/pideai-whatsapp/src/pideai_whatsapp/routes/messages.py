"""Messages: one sent by hand, and all of them as they are, page by page, with their counts."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID, uuid4, uuid5

import msgspec
from litestar import get, post
from litestar.exceptions import ValidationException
from litestar.params import HeaderParameter, JSONBody, QueryParameter

from pideai_whatsapp.routes.parts import PAGE, Context, Cursor, Limit, TypedPhone, cursor_of, place_of, strange_cursor
from pideai_whatsapp.routes.phones import digits_in_store
from pideai_whatsapp.sending.attempt import base_domain_of
from pideai_whatsapp.sending.manual import VARIABLE_MAX_CHARS, Manual, write_manual
from pideai_whatsapp.sending.queued import enqueue
from pideai_whatsapp.sending.records import SqlRecords
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.templates import MessageType

TEXT_MAX_CHARS: Final = 4_096
VARIABLES_MAX: Final = 30
URL_MAX_CHARS: Final = 2_000

_SENDS: Final = UUID("b2c0f6de-3f0e-5c1e-8a6f-6f1d8f7f5a10")

Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Sent again under the same key, the message is not sent again.",
        required=False,
    ),
]


class MessageStatus(StrEnum):
    """How far a message is; it only goes forward."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


Text = Annotated[str, msgspec.Meta(max_length=TEXT_MAX_CHARS)]
Url = Annotated[str, msgspec.Meta(max_length=URL_MAX_CHARS)]
Value = Annotated[str, msgspec.Meta(max_length=VARIABLE_MAX_CHARS)]


class SendIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message to one customer: a text, or a template with its variables, either with or without a picture."""

    customer_phone: TypedPhone
    customer_name: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    message_type: Annotated[
        MessageType, msgspec.Meta(description="`manual` for a text of one's own, or the kind whose template is used.")
    ] = MessageType.MANUAL
    text: Annotated[Text | None, msgspec.Meta(description="With `manual`: what it says, or the picture's caption.")] = (
        None
    )
    variables: Annotated[
        dict[str, Value], msgspec.Meta(max_length=VARIABLES_MAX, description="Values of tokens, by their names.")
    ] = {}
    image_url: Annotated[Url | None, msgspec.Meta(description="A picture, at a public https address.")] = None
    order_id: Annotated[UUID | None, msgspec.Meta(description="The order that it is about.")] = None


class SentOut(msgspec.Struct, frozen=True, kw_only=True):
    """A message that will be sent."""

    id: Annotated[UUID, msgspec.Meta(description="Its id in the list of messages.")]
    status: MessageStatus
    message_content: Annotated[str, msgspec.Meta(description="What the customer will read.")]


class MessageOut(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the store."""

    id: UUID
    order_id: UUID | None
    campaign_id: UUID | None
    customer_phone: str
    customer_name: str | None
    message_type: str
    message_content: str
    image_url: str | None
    status: MessageStatus
    is_in_doubt: Annotated[
        bool, msgspec.Meta(description="The provider's answer was lost: it may have been sent, a receipt will tell.")
    ]
    provider: str | None
    provider_message_id: str | None
    credit_type: str | None
    error_message: str | None
    created_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None


class MessageCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages are how far."""

    total: int = 0
    pending: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of messages, newest first."""

    items: list[MessageOut]
    next_cursor: str | None
    counts: Annotated[MessageCounts, msgspec.Meta(description="Of this page.")]
    month: Annotated[MessageCounts, msgspec.Meta(description="Of all the store's messages this month.")]


Statuses = Annotated[list[MessageStatus] | None, QueryParameter(max_items=len(MessageStatus))]
Types = Annotated[list[MessageType] | None, QueryParameter(max_items=len(MessageType))]
PhoneQuery = Annotated[str | None, QueryParameter(max_length=40, description="A customer's number, or how it ends.")]
OfOrder = Annotated[UUID | None, QueryParameter(description="Only those of this order.")]
OfCampaign = Annotated[UUID | None, QueryParameter(description="Only those of this campaign.")]
Since = Annotated[datetime | None, QueryParameter(description="Inclusive; with its time zone.")]
Until = Annotated[datetime | None, QueryParameter(description="Exclusive.")]


@post("/send", status_code=202, summary="Send a message")
async def send_message(data: JSONBody[SendIn], context: Context, idempotency_key: Key = None) -> SentOut:
    """Send one message by hand. It goes the way of every delivery: what becomes of it is in the list of messages.

    What can never go out is refused at once, and nothing is sent or spent.
    """
    message_id = uuid4() if idempotency_key is None else uuid5(_SENDS, f"{context.store_id}:{idempotency_key}")
    wanted = Manual(
        message_id=message_id,
        customer_phone=data.customer_phone,
        customer_name=data.customer_name,
        kind=data.message_type,
        text=data.text,
        variables=data.variables,
        image_url=data.image_url,
        order_id=data.order_id,
    )
    records = SqlRecords(context.db, context.store_id)
    queued = await write_manual(wanted, records=records, base_domain=base_domain_of(context))
    await enqueue(context, queued)
    return SentOut(id=message_id, status=MessageStatus.PENDING, message_content=queued.text)


@get("/messages", summary="List the store's messages")
async def list_messages(
    context: Context,
    *,
    status: Statuses = None,
    message_type: Types = None,
    phone: PhoneQuery = None,
    order_id: OfOrder = None,
    campaign_id: OfCampaign = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> MessagePage:
    """List messages, newest first, with counts by status of the page and of the month."""
    place = _place_of(cursor)
    rows = await context.db.fetch(
        statement("messages"),
        {
            "store_id": context.store_id,
            "statuses": None if status is None else [one.value for one in status],
            "types": None if message_type is None else [one.value for one in message_type],
            "digits": None if phone is None else await digits_in_store(context.db, context.store_id, phone),
            "order_id": order_id,
            "campaign_id": campaign_id,
            "since": _aware("since", since),
            "until": _aware("until", until),
            "after_at": None if place is None else place[0],
            "after_id": None if place is None else place[1],
            "limit": limit + 1,
        },
    )
    month = await context.db.fetch_one(statement("messages_month"), {"store_id": context.store_id})
    page = [msgspec.convert(row, MessageOut) for row in rows[:limit]]
    last = page[-1] if page else None
    more = cursor_of(last.created_at, str(last.id)) if len(rows) > limit and last and last.created_at else None
    return MessagePage(items=page, next_cursor=more, counts=_counts_of(page), month=MessageCounts(**(month or {})))


def _counts_of(page: list[MessageOut]) -> MessageCounts:
    by_status = {status.value: sum(one.status is status for one in page) for status in MessageStatus}
    return MessageCounts(total=len(page), **by_status)


def _place_of(cursor: str | None) -> tuple[datetime, UUID] | None:
    place = place_of(cursor)
    try:
        return None if place is None else (place[0], UUID(place[1]))
    except ValueError as error:
        raise strange_cursor() from error


def _aware(name: str, at: datetime | None) -> datetime | None:
    """Return an instant that says its time zone.

    Raises:
        ValidationException: it does not.
    """
    if at is not None and at.tzinfo is None:
        raise ValidationException(name, extra=[{"key": name, "message": "needs its time zone"}])
    return at
