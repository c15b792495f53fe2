"""What Twilio reports, signed by the account's auth token over the public URL and all fields, known or not."""

import hashlib
import hmac
from base64 import b64encode
from collections import defaultdict
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pideai_host.api import WebhookRequest
from pideai_whatsapp.providers.outside import first_text, identifier
from pideai_whatsapp.providers.recipients import phone_of_digits
from pideai_whatsapp.providers.signals import Counted, Inbound, Progress, Receipt, Signal
from pideai_whatsapp.providers.twilio import REFERENCE
from pideai_whatsapp.providers.twilio_replies import failure, progress_of

SIGNATURE_HEADER: Final = "x-twilio-signature"
EMPTY_ANSWER: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""What Twilio wants in return (``text/xml``): no message of ours to send back."""

_MAX_FIELDS: Final = 500
_USUAL_PORTS: Final = {"https": 443, "http": 80}


def is_genuine(request: WebhookRequest, *, auth_token: str, url: str) -> bool:
    """Tell whether Twilio signed a report.

    Args:
        request: As it came.
        auth_token: The account's primary one, also where an API key sends.
        url: The public address that was called, with its query; with or without its port is both tried.
    """
    if not auth_token:
        return False
    given = request.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace")
    fields = _fields(request)
    body_hash = dict(parse_qsl(urlsplit(url).query)).get("bodySHA256") if _is_url(url) else None
    if body_hash is not None:
        if not hmac.compare_digest(hashlib.sha256(request.body).hexdigest(), body_hash):
            return False
        fields = []
    # All are computed in any case, so that the time tells nothing.
    matches = [hmac.compare_digest(signature(auth_token, one, fields).encode(), given) for one in _spellings(url)]
    return any(matches)


def signature(auth_token: str, url: str, fields: list[tuple[str, str]]) -> str:
    """Sign as Twilio does: the URL, then each distinct name in byte order with each of its distinct values, sorted."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for name, value in fields:
        values[name].add(value)
    text = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    digest = hmac.new(auth_token.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()
    return b64encode(digest).decode()


def read_signals(request: WebhookRequest) -> list[Signal]:
    """Read a status callback or a customer's message; never raises. Fields that are not known are left alone."""
    fields = dict(reversed(_fields(request)))
    message_id = identifier(fields.get("MessageSid")) or identifier(fields.get("SmsSid"))
    if message_id is None:
        return [Counted(name="malformed")]
    status = fields.get("MessageStatus") or fields.get("SmsStatus")
    if status in (None, "received", "receiving"):
        return _inbound(message_id, fields)
    progress = progress_of({"status": status})
    if progress is None:
        return [Counted(name="unknown")]
    error = failure(fields.get("ErrorCode"), fields.get("ErrorMessage")) if progress is Progress.FAILED else None
    reference = _reference(request.query)
    return [Receipt(provider_message_id=message_id, progress=progress, error=error, reference=reference)]


def _inbound(message_id: str, fields: dict[str, str]) -> list[Signal]:
    if "From" not in fields:
        return [Counted(name="malformed")]
    phone = phone_of_digits(fields["From"].removeprefix("whatsapp:"))
    return [Inbound(message_id=message_id, phone=phone, text=first_text(fields.get("Body")))]


def _reference(query: str) -> str | None:
    return identifier(dict(_pairs(query)).get(REFERENCE))


def _fields(request: WebhookRequest) -> list[tuple[str, str]]:
    if "json" in request.headers.get("content-type", ""):
        return []
    return _pairs(request.body.decode("utf-8", "replace"))


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return []


def _is_url(url: str) -> bool:
    try:
        return urlsplit(url).scheme in _USUAL_PORTS
    except ValueError:
        return False


def _spellings(url: str) -> tuple[str, str, str]:
    """Return a URL as it is, without its port and with it."""
    try:
        parts = urlsplit(url)
        port, usual = parts.port, _USUAL_PORTS[parts.scheme]
    except (ValueError, KeyError):
        return url, url, url
    bare = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    with_port = parts._replace(netloc=f"{bare}:{port or usual}")
    return url, urlunsplit(parts._replace(netloc=bare)), urlunsplit(with_port)
