"""What comes from outside, made harmless: bounded, and without what no log, page or database could hold."""

from typing import Any, Final

import msgspec

ID_MAX_CHARS: Final = 256
TEXT_MAX_CHARS: Final = 4_096


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
