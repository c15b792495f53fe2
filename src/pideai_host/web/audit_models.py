"""What the endpoints of the audit trail show."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar.exceptions import ValidationException
from msgspec import Meta

from pideai_host.stores.audit import Action, AuditEntry

_ID_MAX = 2**63


class AuditEntryOut(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done."""

    id: int
    at: datetime
    actor: Annotated[
        Literal["user", "operator", "host"], Meta(description="A user here, an operator by command line, or the host.")
    ]
    user_id: UUID | None
    request_id: Annotated[str | None, Meta(description="Of the request, as in its answer's X-Request-Id.")]
    address: Annotated[str | None, Meta(description="Where the request came from.")]
    action: Annotated[str, Meta(examples=[one.value for one in Action])]
    plugin: str | None
    subject: Annotated[str | None, Meta(description="The installation, delivery, event, replay or grant.")]
    detail: Annotated[
        dict[str, Any], Meta(description="What it changed, field by field; of secrets only that they changed.")
    ]

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditEntryOut":
        """Show an entry to the owner of its store; which account of theirs an operator used is not told."""
        return msgspec.convert(entry, cls, from_attributes=True)


class AuditPage(msgspec.Struct, frozen=True):
    """A page of the audit trail, newest first."""

    items: list[AuditEntryOut]
    next_cursor: Annotated[str | None, Meta(description="Send it as `cursor`; null on the last page.")]

    @classmethod
    def of(cls, entries: Sequence[AuditEntry], limit: int) -> "AuditPage":
        """Show a page, of one entry more than it may have."""
        shown = entries[:limit]
        return cls([AuditEntryOut.of(one) for one in shown], next_cursor(entries, limit))


class OperatorAuditEntryOut(AuditEntryOut, frozen=True, kw_only=True):
    """The same for platform admins."""

    store_id: UUID | None
    actor_name: Annotated[str | None, Meta(description="The operator's account.")]

    @classmethod
    def of(cls, entry: AuditEntry) -> "OperatorAuditEntryOut":
        """Show an entry."""
        return msgspec.convert(entry, cls, from_attributes=True)


class OperatorAuditPage(msgspec.Struct, frozen=True):
    """A page of the audit trail of all stores, newest first."""

    items: list[OperatorAuditEntryOut]
    next_cursor: Annotated[str | None, Meta(description="Send it as `cursor`; null on the last page.")]

    @classmethod
    def of(cls, entries: Sequence[AuditEntry], limit: int) -> "OperatorAuditPage":
        """Show a page, of one entry more than it may have."""
        shown = entries[:limit]
        return cls([OperatorAuditEntryOut.of(one) for one in shown], next_cursor(entries, limit))


def next_cursor(entries: Sequence[AuditEntry], limit: int) -> str | None:
    """Return the mark of the next page, None if there is none."""
    return str(entries[limit - 1].id) if len(entries) > limit else None


def entry_id_of(cursor: str | None) -> int | None:
    """Read a mark that the client sends back.

    Raises:
        ValidationException: it is none of ours.
    """
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal()) or int(cursor) >= _ID_MAX:
        raise ValidationException(
            "cursor is not one that this API has given", extra=[{"key": "cursor", "message": "is not ours"}]
        )
    return int(cursor)
