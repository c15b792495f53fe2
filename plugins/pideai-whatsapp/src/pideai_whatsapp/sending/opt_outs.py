"""Who wants no advertising of a store: kept by line, so that another spelling of the number is no way around it.

Order notices and what the store writes by hand still reach them; promotions, cart reminders and campaigns do not.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from pideai_host.api import Database
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.phones import Phone, line_of

PAGE_MAX: Final = 200

By = Literal["customer", "owner"]


class OptOut(msgspec.Struct, frozen=True, kw_only=True):
    """A phone that wants no advertising, since when, and who said so."""

    phone: Phone
    since: datetime
    by: By


async def opt_out(db: Database, store_id: UUID, phone: Phone, *, by: By, said_at: datetime | None = None) -> bool:
    """Keep advertising from a phone; tells whether it was news. Idempotent.

    Args:
        db: The host's database.
        store_id: Whose advertising.
        phone: Whose wish.
        by: Who said so.
        said_at: When; now if left out. What was said later and heard earlier counts.
    """
    params = {"store_id": store_id, "phone": phone, "line": line_of(phone), "by": by, "said_at": said_at}
    return await db.execute(statement("opt_out"), params) == 1


async def opt_in(db: Database, store_id: UUID, phone: Phone, *, said_at: datetime | None = None) -> bool:
    """Let advertising reach a phone again; tells whether it was kept from it. Idempotent; `said_at` as above."""
    return (
        await db.execute(statement("opt_in"), {"store_id": store_id, "line": line_of(phone), "said_at": said_at}) == 1
    )


async def is_opted_out(db: Database, store_id: UUID, phone: Phone) -> bool:
    """Tell whether a phone wants no advertising."""
    return bool(await opted_out(db, store_id, (phone,)))


async def opted_out(db: Database, store_id: UUID, phones: Sequence[Phone]) -> frozenset[Phone]:
    """Return those of some phones that want no advertising, in one statement."""
    lines = [line_of(phone) for phone in phones]
    rows = await db.fetch(statement("opted_out"), {"store_id": store_id, "lines": lines})
    found = {row["line"] for row in rows}
    return frozenset(phone for phone, line in zip(phones, lines, strict=True) if line in found)


async def list_opt_outs(
    db: Database, store_id: UUID, *, limit: int = 50, after: OptOut | None = None
) -> tuple[OptOut, ...]:
    """Return a page of who opted out, newest first, at most `PAGE_MAX`; `after` is the last of the page before."""
    rows = await db.fetch(
        statement("opt_outs"),
        {
            "store_id": store_id,
            "limit": min(limit, PAGE_MAX),
            "since": None if after is None else after.since,
            "line": None if after is None else line_of(after.phone),
        },
    )
    return tuple(OptOut(phone=row["phone"], since=row["since"], by=row["by"]) for row in rows)
