"""What Meta reports: one call may hold several accounts, numbers and so stores; it is signed over its raw bytes.

A store reads what its own number got and nothing else: `phone_number_ids` says which numbers a call is about, and
`read_signals` reads one of them.
"""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

from pideai_host.api import WebhookReply, WebhookRequest
from pideai_whatsapp.providers.meta_replies import failure
from pideai_whatsapp.providers.outside import decoded, first_text, identifier, instant, within
from pideai_whatsapp.providers.recipients import phone_of_digits
from pideai_whatsapp.providers.signals import Counted, Inbound, Progress, Receipt, Signal

SIGNATURE_HEADER: Final = "x-hub-signature-256"
MAX_SIGNALS: Final = 1_000
MAX_NUMBERS: Final = 1_000

_CHALLENGE_MAX_CHARS: Final = 256
_MAX_FIELDS: Final = 20
_PROGRESS: Final = {
    "sent": Progress.SENT,
    "delivered": Progress.DELIVERED,
    "read": Progress.READ,
    "played": Progress.READ,
    "failed": Progress.FAILED,
}


def answer_to_challenge(request: WebhookRequest, verify_token: str) -> WebhookReply | None:
    """Answer Meta's question whether this address is ours; None for a call that is no question.

    An answer of 200 repeats the challenge as plain text; without our token it is 403.
    """
    if request.method != "GET":
        return None
    fields = _query(request.query)
    challenge = fields.get("hub.challenge", "")
    given = fields.get("hub.verify_token", "").encode("utf-8", "replace")
    is_ours = bool(verify_token) and hmac.compare_digest(given, verify_token.encode())
    is_sound = challenge.isascii() and challenge.isalnum() and len(challenge) <= _CHALLENGE_MAX_CHARS
    if not (is_ours and is_sound and fields.get("hub.mode") == "subscribe"):
        return WebhookReply(status=403, body=b"wrong verify token")
    return WebhookReply(status=200, headers={"content-type": "text/plain"}, body=challenge.encode())


def is_genuine(request: WebhookRequest, app_secret: str) -> bool:
    """Tell whether Meta signed a report; in constant time, over the bytes as they came."""
    if not app_secret:
        return False
    given = request.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace")
    expected = hmac.new(app_secret.encode(), request.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"sha256={expected}".encode(), given)


def phone_number_ids(request: WebhookRequest) -> list[str]:
    """Return which of our numbers a report is about, each once; never raises."""
    numbers = (_number_of(value) for _, value in _changes(request))
    return list(dict.fromkeys(number for number in numbers if number is not None))[:MAX_NUMBERS]


def read_signals(request: WebhookRequest, phone_number_id: str) -> list[Signal]:
    """Read what one number got of a report; never raises."""
    signals: list[Signal] = []
    for field, value in _changes(request):
        if _number_of(value) != phone_number_id:
            continue
        found = [*_receipts(value), *_messages(value)] if field == "messages" else []
        signals += found or [Counted(name="messages" if field == "messages" else "other")]
    return signals[:MAX_SIGNALS] or [Counted(name="malformed")]


def _receipts(value: dict[str, Any]) -> Iterator[Signal]:
    for status in _dicts(value.get("statuses")):
        message_id, word = identifier(status.get("id")), status.get("status")
        progress = _PROGRESS.get(word) if isinstance(word, str) else None
        if message_id is None or progress is None:
            yield Counted(name="unknown")
            continue
        yield Receipt(
            provider_message_id=message_id,
            progress=progress,
            error=failure(status.get("errors")) if progress is Progress.FAILED else None,
            reference=identifier(status.get("biz_opaque_callback_data")),
        )


def _messages(value: dict[str, Any]) -> Iterator[Signal]:
    for message in _dicts(value.get("messages")):
        message_id = identifier(message.get("id"))
        if message_id is None:
            yield Counted(name="unknown")
            continue
        yield Inbound(
            message_id=message_id,
            phone=phone_of_digits(message.get("from")),
            text=_text(message),
            said_at=instant(message.get("timestamp")),
        )


def _text(message: dict[str, Any]) -> str:
    """Find what a message says: its words, a picture's caption, a button's label."""
    interactive = message.get("interactive")
    inner = interactive if isinstance(interactive, dict) else {}
    return first_text(
        within(message, "text", "body"),
        within(message, "button", "text"),
        within(inner, "button_reply", "title"),
        within(inner, "list_reply", "title"),
        within(message, "image", "caption"),
        within(message, "video", "caption"),
        within(message, "document", "caption"),
    )


def _changes(request: WebhookRequest) -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk through the changes of all entries, each with its field's name and its value."""
    body = decoded(request.body)
    for entry in _dicts(body.get("entry") if isinstance(body, dict) else None):
        for change in _dicts(entry.get("changes")):
            field, value = change.get("field"), change.get("value")
            if isinstance(field, str) and isinstance(value, dict):
                yield field, value


def _number_of(value: dict[str, Any]) -> str | None:
    return identifier(within(value, "metadata", "phone_number_id"))


def _dicts(entries: Any) -> list[dict[str, Any]]:
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _query(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}
