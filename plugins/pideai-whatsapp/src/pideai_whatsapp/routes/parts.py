"""What the routes share: how a handler is given its store's parts, and marks of pages."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter

from pideai_host.api import PluginContext

Context = NamedDependency[PluginContext]
Config = NamedDependency[dict[str, Any]]

TypedPhone = Annotated[
    str, msgspec.Meta(min_length=1, max_length=40, description="As it is typed in the store's country.")
]

PAGE: Final = 50
PAGE_MAX: Final = 200

Cursor = Annotated[str | None, QueryParameter(max_length=200, description="`next_cursor` of the page before.")]
Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="How many at most.")]


def cursor_of(at: datetime, name: str) -> str:
    """Write the place behind which the next page begins: opaque text, so that what is in it can change."""
    raw = f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()} {name}"
    return urlsafe_b64encode(raw.encode()).rstrip(b"=").decode()


def place_of(cursor: str | None) -> tuple[datetime, str] | None:
    """Read a place that the client sends back.

    Raises:
        ValidationException: it is none of ours.
    """
    if cursor is None:
        return None
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
        at, _, name = raw.replace("\x00", "").partition(" ")
        return datetime.fromisoformat(at).replace(tzinfo=UTC), name
    except (ValueError, binascii.Error, OverflowError) as error:
        raise strange_cursor() from error


def strange_cursor() -> ValidationException:
    """Return what is said of a cursor that no page gave."""
    return ValidationException("cursor", extra=[{"key": "cursor", "message": "is none that a page gave"}])
