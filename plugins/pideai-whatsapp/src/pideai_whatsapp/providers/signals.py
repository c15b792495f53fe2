"""What a provider tells of its own accord, in the host's words, whoever it is.

    Receipt              a message moved on: sent, delivered, read, failed
    Accepted             the provider took a message over; finds the id of a send whose answer was lost
    ConnectionChanged    the store's phone is linked, linking, or off
    QrChanged            a new code to scan
    QrLimit              nobody scanned, the provider has stopped making codes
    Inbound              a customer wrote
    Counted              all else: worth a number, nothing more

Providers repeat signals, mix their order and lose them: none of these may be acted on twice or as if it were the last.
"""

import itertools
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from pideai_whatsapp.text.phones import Phone


class Progress(StrEnum):
    """How far a message is; one scale for all providers. It only ever goes forward, see `moves_to`."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class ConnectionState(StrEnum):
    """What a store's phone is to the provider."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSE = "close"


class Qr(msgspec.Struct, frozen=True, kw_only=True):
    """A code that links a phone; it lives 45 s.

    Attributes:
        code: What the picture says; tells two codes apart.
        png_data_url: The picture, ``data:image/png;base64,…``, ready for an ``img``; None if the provider sent none.
        pairing_code: Eight characters to type instead of scanning; only if a number was given.
        count: The provider's number of this code in its session, None where it does not say.
    """

    code: str
    png_data_url: str | None = None
    pairing_code: str | None = None
    count: int | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A message moved on.

    Attributes:
        error: Why it failed, in the provider's words and bounded; None where it does not say.
        reference: Our own message id, from providers that carry it.
    """

    provider_message_id: str
    progress: Progress
    error: str | None = None
    reference: str | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The provider took a message over, as it tells by webhook.

    Attributes:
        recipient_digits: As the provider writes the number; compare with `recipients.is_same`, never as strings.
    """

    provider_message_id: str
    recipient_digits: str
    text: str


class ConnectionChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The store's phone is linked, linking or off.

    Attributes:
        reason_code: The provider's number for it: 401 unlinked by the phone, 403 banned, 428 a QR that nobody scanned;
            None where it says nothing.
        phone: Which phone is linked, where the provider says.
    """

    state: ConnectionState
    reason_code: int | None = None
    phone: Phone | None = None


class QrChanged(msgspec.Struct, frozen=True, kw_only=True):
    """There is a new code to scan; by webhook it is always a fresh one."""

    qr: Qr


class QrLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody scanned, and the provider makes no more codes until it is asked to link again."""


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A customer wrote to the store; `message_id` tells repeats apart.

    Attributes:
        phone: None where the provider hides it (an ``@lid`` without its number).
        text: Bounded; empty for a picture without a caption and the like.
        said_at: When the customer wrote, as the provider says; reports come in no order. None where it says nothing.
    """

    message_id: str
    phone: Phone | None
    text: str
    said_at: datetime | None = None


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """An event that changes nothing; `name` is one of a small set, fit for a metric's label."""

    name: str


Signal = Receipt | Accepted | ConnectionChanged | QrChanged | QrLimit | Inbound | Counted

_WAY: Final = (Progress.ACCEPTED, Progress.SENT, Progress.DELIVERED, Progress.READ)
_FORWARD: Final = frozenset(itertools.combinations(_WAY, 2)) | {
    (Progress.ACCEPTED, Progress.FAILED),
    (Progress.SENT, Progress.FAILED),
}


def moves_to(old: Progress, new: Progress) -> bool:
    """Tell whether a message goes on from `old` to `new`: to the right only, to failed only before it arrived."""
    return (old, new) in _FORWARD
