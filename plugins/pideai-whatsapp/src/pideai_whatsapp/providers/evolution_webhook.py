"""What Evolution reports by webhook, in the host's words. Pure, and never raises: everything here comes from outside.

Reports are not signed; they are known by a secret header that we set with the webhook. The body's ``apikey`` proves
nothing and is never read. Reports come repeatedly, in no order and in storms; 2.3.7 says SERVER_ACK after READ. None of
that is cured here: each report is what it is, and `signals.moves_to` and the channel's states know what to make of it.
"""

import hmac
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from pideai_host.api import WebhookRequest
from pideai_whatsapp.providers.evolution import SECRET_HEADER
from pideai_whatsapp.providers.evolution_links import qr_of, read_state
from pideai_whatsapp.providers.outside import decoded, first_text, identifier, instant, within
from pideai_whatsapp.providers.recipients import phone_of_jid
from pideai_whatsapp.providers.signals import (
    Accepted,
    ConnectionChanged,
    ConnectionState,
    Counted,
    Inbound,
    Progress,
    QrChanged,
    QrLimit,
    Receipt,
    Signal,
)
from pideai_whatsapp.text.phones import digits_of

MAX_SIGNALS: Final = 100

_WRAPPINGS: Final = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "deviceSentMessage",
    "editedMessage",
)
_WRAPPINGS_MAX: Final = 5
_GIVEN_UP: Final = 428
_NO_REASON: Final = 200
_PROGRESS: Final = {
    "ERROR": Progress.FAILED,
    "PENDING": Progress.ACCEPTED,
    "SERVER_ACK": Progress.SENT,
    "DELIVERY_ACK": Progress.DELIVERED,
    "READ": Progress.READ,
    "PLAYED": Progress.READ,
}
_QUIET: Final = frozenset({
    "application.startup", "messages.set", "messages.edited", "messages.delete", "send.message.update", "contacts.set",
    "contacts.upsert", "contacts.update", "presence.update", "chats.set", "chats.upsert", "chats.update",
    "chats.delete", "groups.upsert", "groups.update", "group.update", "group-participants.update",
    "group.participants.update", "labels.edit", "labels.association", "call", "typebot.start", "typebot.change-status",
    "instance.create",
})  # fmt: skip


def is_genuine(request: WebhookRequest, secret: str) -> bool:
    """Tell whether a report carries the store's secret; in constant time."""
    given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
    return bool(secret) and hmac.compare_digest(given, secret.encode())


def instance_of(request: WebhookRequest) -> str | None:
    """Return the name of the instance that a report is about; None if it names none."""
    body = decoded(request.body)
    return identifier(body.get("instance")) if isinstance(body, dict) else None


def read_signals(request: WebhookRequest) -> list[Signal]:
    """Read a report; what cannot be read is counted.

    With ``byEvents`` the event's name ends the path, and stands in the body all the same.
    """
    body = decoded(request.body)
    if not isinstance(body, dict) or not isinstance(event := body.get("event"), str):
        return [Counted(name="malformed")]
    name = event.lower().replace("_", ".")
    reader = _READERS.get(name)
    if reader is None:
        return [Counted(name=name if name in _QUIET else "unknown")]
    return [signal for entry in _entries(body.get("data")) for signal in reader(entry)] or [Counted(name=name)]


def _qr(data: dict[str, Any]) -> list[Signal]:
    if qr := qr_of(data.get("qrcode")):
        return [QrChanged(qr=qr)]
    message = data.get("message")
    if data.get("statusCode") == HTTPStatus.INTERNAL_SERVER_ERROR or (
        isinstance(message, str) and "limit reached" in message
    ):
        return [QrLimit()]
    return []


def _connection(data: dict[str, Any]) -> list[Signal]:
    state = read_state(data.get("state"))
    if state is None:
        return []
    reason = data.get("statusReason")
    changed = ConnectionChanged(
        state=state,
        reason_code=_code(reason),
        phone=phone_of_jid(data.get("wuid")),
    )
    return [changed, QrLimit()] if data.get("state") == "refused" and reason == _GIVEN_UP else [changed]


def _closed(data: dict[str, Any]) -> list[Signal]:
    if read_state(data.get("status")) is not ConnectionState.CLOSE:
        return []
    return [ConnectionChanged(state=ConnectionState.CLOSE, reason_code=_code(data.get("disconnectionReasonCode")))]


def _gone(_: dict[str, Any]) -> list[Signal]:
    return [ConnectionChanged(state=ConnectionState.CLOSE)]


def _update(data: dict[str, Any]) -> list[Signal]:
    """Read a receipt: ``keyId`` in 2.3.x, ``key.id`` in other versions and in stored messages.

    An update with ``message`` is an edit, whose SERVER_ACK says nothing of the message's way.
    """
    message_id = identifier(data.get("keyId")) or identifier(within(data, "key", "id"))
    status = data.get("status")
    progress = _PROGRESS.get(status) if isinstance(status, str) else None
    if message_id is None or progress is None or data.get("message") is not None:
        return []
    error = "WhatsApp no entregó el mensaje." if progress is Progress.FAILED else None
    return [Receipt(provider_message_id=message_id, progress=progress, error=error)]


def _accepted(data: dict[str, Any]) -> list[Signal]:
    """Read what the server took over; without the number of whom it is for (a group, a hidden one) it finds nothing."""
    message_id = identifier(within(data, "key", "id"))
    phone = phone_of_jid(within(data, "key", "remoteJid")) or phone_of_jid(within(data, "key", "remoteJidAlt"))
    if message_id is None or phone is None:
        return []
    text = _text(data.get("message"))
    accepted = Accepted(provider_message_id=message_id, recipient_digits=digits_of(phone), text=text)
    return [accepted, *_stored_progress(message_id, data.get("status"))]


def _stored_progress(message_id: str, status: Any) -> list[Signal]:
    progress = _PROGRESS.get(status) if isinstance(status, str) else None
    if progress is None or progress is Progress.ACCEPTED:
        return []
    return [Receipt(provider_message_id=message_id, progress=progress)]


def _upsert(data: dict[str, Any]) -> list[Signal]:
    """Read a customer's message: not what the store typed on its own phone, no groups, no broadcasts."""
    key = data.get("key")
    if not isinstance(key, dict) or key.get("fromMe") is not False or (message_id := identifier(key.get("id"))) is None:
        return []
    jid = key.get("remoteJid")
    if not isinstance(jid, str) or jid.endswith(("@g.us", "@broadcast", "@newsletter")):
        return []
    # 2.3.0 wrote the number behind an @lid as senderPn.
    phone = phone_of_jid(jid) or phone_of_jid(key.get("remoteJidAlt")) or phone_of_jid(key.get("senderPn"))
    said_at = instant(data.get("messageTimestamp"))
    return [Inbound(message_id=message_id, phone=phone, text=_text(data.get("message")), said_at=said_at)]


def _text(message: Any) -> str:
    """Find what a message says: its words, a picture's caption, a button's label."""
    message = _unwrapped(message)
    if message is None:
        return ""
    return first_text(
        message.get("conversation"),
        within(message, "extendedTextMessage", "text"),
        within(message, "imageMessage", "caption"),
        within(message, "videoMessage", "caption"),
        within(message, "documentMessage", "caption"),
        within(message, "buttonsResponseMessage", "selectedDisplayText"),
        within(message, "templateButtonReplyMessage", "selectedDisplayText"),
        within(message, "listResponseMessage", "title"),
    )


def _unwrapped(message: Any) -> dict[str, Any] | None:
    """Take a message out of what WhatsApp wraps it in: chats whose messages disappear, pictures to be seen once."""
    for _ in range(_WRAPPINGS_MAX):
        if not isinstance(message, dict):
            return None
        inner = next((found for name in _WRAPPINGS if (found := within(message, name, "message")) is not None), None)
        if inner is None:
            return message
        message = inner
    return None


def _code(value: Any) -> int | None:
    return value if type(value) is int and 0 < value < 1_000 and value != _NO_REASON else None  # noqa: PLR2004 - three digits at most


def _entries(data: Any) -> list[dict[str, Any]]:
    """Return what a report is about: one object, several in an array or under ``messages``, or none (null)."""
    if isinstance(data, dict) and isinstance(data.get("messages"), list):
        data = data["messages"]
    if isinstance(data, list):
        return [entry for entry in data[:MAX_SIGNALS] if isinstance(entry, dict)]
    return [data if isinstance(data, dict) else {}]


_READERS: Final[dict[str, Callable[[dict[str, Any]], list[Signal]]]] = {
    "qrcode.updated": _qr,
    "connection.update": _connection,
    "status.instance": _closed,
    "logout.instance": _gone,
    "remove.instance": _gone,
    "instance.delete": _gone,
    "messages.upsert": _upsert,
    "messages.update": _update,
    "send.message": _accepted,
}
