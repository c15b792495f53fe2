"""Marks of pages as clients carry them: opaque text, so that what is in it can change."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from litestar.exceptions import ValidationException

from pideai_host.events.delivery_log import Mark

_ID_BYTES: Final = 16


def cursor_of(mark: Mark | None) -> str | None:
    """Write a mark for the client; None stays None."""
    if mark is None:
        return None
    raw = mark.id.bytes + mark.at.astimezone(UTC).replace(tzinfo=None).isoformat().encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def mark_of(cursor: str | None) -> Mark | None:
    """Read a mark that the client sends back.

    Raises:
        ValidationException: it is none of ours.
    """
    if cursor is None:
        return None
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        at = datetime.fromisoformat(raw[_ID_BYTES:].decode("ascii"))
        return Mark(at.replace(tzinfo=UTC), UUID(bytes=raw[:_ID_BYTES]))
    except (ValueError, binascii.Error, OverflowError) as error:
        raise ValidationException(
            "cursor is not one that this API has given", extra=[{"key": "cursor", "message": "is not ours"}]
        ) from error
