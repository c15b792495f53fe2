"""Who gets a campaign: people who ordered in this very store, each line once, without those who opted out.

Customers as such belong to no store, so they are never asked for: the orders are.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from pideai_host.api import Database
from pideai_whatsapp.errors import PhoneUnusable
from pideai_whatsapp.sending.opt_outs import opted_out
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.phones import Phone, line_of, region_of, to_e164

RECENT: Final = timedelta(days=30)
"""Who ordered within so long is a recent customer."""
INACTIVE: Final = timedelta(days=60)
"""Who has not ordered for so long is an inactive one."""
RECIPIENTS_MAX: Final = 10_000
"""Of more, those who ordered last; at the highest rate these take five hours and a half."""
_PHONES_MAX: Final = 30_000


class AudienceKind(StrEnum):
    """Whom a campaign is for; the values are those of ``whatsapp_campaigns.target_audience``."""

    ALL = "all"
    RECENT = "recent_customers"
    INACTIVE = "inactive_customers"


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who ordered, by the phone as it was typed, and when last."""

    phone: str
    customer_name: str | None
    last_at: datetime


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who gets a campaign's message; `line` tells one from another however the number is written."""

    line: str
    phone: Phone
    customer_name: str | None


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets a campaign, and how many do not.

    Attributes:
        recipients: In the order in which they get it: who ordered last comes first.
        opted_out: Lines that want no advertising.
        unreachable: Phones that cannot be phones.
    """

    recipients: tuple[Recipient, ...] = ()
    opted_out: int = 0
    unreachable: int = 0


def pick(
    buyers: Sequence[Buyer], kind: AudienceKind, *, region: str, at: datetime, opted_out_lines: Collection[str]
) -> Audience:
    """Choose who gets a campaign. Pure.

    Args:
        buyers: All of a store's; one who spelt the number in several ways counts by the last order of all.
        kind: Whom it is for.
        region: Of the store, by which numbers without a country are read.
        at: Now, by the database's clock.
        opted_out_lines: Lines that want no advertising.
    """
    unreachable = 0
    known: dict[str, tuple[datetime, Recipient]] = {}
    for buyer in buyers:
        try:
            phone = to_e164(buyer.phone, region=region)
        except PhoneUnusable:
            unreachable += 1
            continue
        line = line_of(phone)
        if line not in known or known[line][0] < buyer.last_at:
            recipient = Recipient(line=line, phone=phone, customer_name=buyer.customer_name)
            known[line] = (buyer.last_at, recipient)

    meant = sorted(
        ((last_at, one) for last_at, one in known.values() if _is_meant(kind, at - last_at)),
        key=lambda found: (-found[0].timestamp(), found[1].line),
    )
    wanted = [one for _, one in meant if one.line not in opted_out_lines]
    return Audience(
        recipients=tuple(wanted[:RECIPIENTS_MAX]), opted_out=len(meant) - len(wanted), unreachable=unreachable
    )


async def audience_of(db: Database, store_id: UUID, kind: AudienceKind, *, country: str | None) -> Audience:
    """Read who would get a campaign of a store now."""
    rows = await db.fetch(statement("campaign_audience"), {"store_id": store_id, "limit": _PHONES_MAX})
    if not rows:
        return Audience()
    region = region_of(country)
    buyers = [_buyer_of(row) for row in rows]
    meant = pick(buyers, kind, region=region, at=rows[0]["at"], opted_out_lines=())
    phones = [one.phone for one in meant.recipients]
    refusing = {line_of(phone) for phone in await opted_out(db, store_id, phones)}
    return pick(buyers, kind, region=region, at=rows[0]["at"], opted_out_lines=refusing)


def _is_meant(kind: AudienceKind, since: timedelta) -> bool:
    if kind is AudienceKind.RECENT:
        return since <= RECENT
    return kind is AudienceKind.ALL or since > INACTIVE


def _buyer_of(row: Mapping[str, Any]) -> Buyer:
    return Buyer(phone=row["phone"], customer_name=row["customer_name"], last_at=row["last_at"])
