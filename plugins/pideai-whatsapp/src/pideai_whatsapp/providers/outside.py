"""What comes from outside, made harmless: bounded, and without what no log, page or database could hold."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

ID_MAX_CHARS: Final = 256
TEXT_MAX_CHARS: Final = 4_096

_SECONDS_MAX_DIGITS: Final = 10
_FIRST_S: Final = 1_200_000_000
_LAST_S: Final = 4_102_444_800
"""From 2008, before which there was no WhatsApp, to 2100."""


def decoded(body: bytes) -> Any:
    """Return a body's JSON; None if it is none, or nested beyond reason."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None


def identifier(value: Any) -> str | None:
    """Return an id as it is; None for what cannot be one."""
    is_id = isinstance(value, str) and 0 < len(value) <= ID_MAX_CHARS and value.isprintable()
    return value if is_id else None


def first_text(*candidates: Any) -> str:
    """Return the first that is a text and not empty, cut to what is kept of one and without zero bytes; else ``""``."""
    text = next((one for one in candidates if isinstance(one, str) and one), "")
    return text[:TEXT_MAX_CHARS].replace("\x00", "")


def within(message: dict[str, Any], name: str, field: str) -> Any:
    """Return a field of an object within an object; None where either is missing."""
    inner = message.get(name)
    return inner.get(field) if isinstance(inner, dict) else None


def printable(text: str, max_chars: int) -> str:
    """Cut a text of someone else's to what a log can hold, in one line."""
    return "".join(sign for sign in text if sign.isprintable())[:max_chars]


def instant(value: Any) -> datetime | None:
    """Return the instant of Unix seconds, as a number or as text; None for what is no time of our days."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _SECONDS_MAX_DIGITS:
        value = int(value)
    if type(value) is not int or not _FIRST_S <= value < _LAST_S:
        return None
    return datetime.fromtimestamp(value, UTC)
