"""A store's channel in the database: read, changed by what happened, and written if nobody changed it meanwhile.

Two processes may hear of the same moment. Whoever writes second reads again and starts from what the first one made of
it; a happening that changes nothing costs a read and no write, so that a storm of repeats costs no more than that.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from pideai_host.api import Database
from pideai_whatsapp.channel.state import Channel, Happening, Reason, State, after
from pideai_whatsapp.errors import ChannelBusy
from pideai_whatsapp.providers.signals import Qr
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.phones import Phone, digits_of

TRIES: Final = 8
"""A storm of one store's signals is a few at once: each of them loses against each other at most once."""

PHONE_PROVIDERS: Final = frozenset({"evolution"})
"""Those that speak through a phone which the store links."""

HEARD_EVERY: Final = timedelta(minutes=1)
"""How exactly it is known when the provider was last heard."""


class _KeptQr(msgspec.Struct):
    qr: Qr
    at: datetime


class ChannelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as it was read.

    Attributes:
        provider: Whose channel it was when it was written; None for one that was never written.
        at: The database's time of the read.
        subdomain: The store's.
        told_at: When the owner was told of the present outage.
        heard_at: When the provider last called.
        checked_at: When the provider was last asked.
        hooked_at: When the provider was last told where to report to; None if it is to be told.
        restarted_at: When its session was last opened anew.
    """

    store_id: UUID
    channel: Channel
    provider: str | None
    version: int
    at: datetime
    subdomain: str = ""
    told_at: datetime | None = None
    heard_at: datetime | None = None
    checked_at: datetime | None = None
    hooked_at: datetime | None = None
    restarted_at: datetime | None = None


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """Whose channel it is: the store, its provider now, and its instance there."""

    store_id: UUID
    provider: str
    instance: str | None = None


async def read_channel(db: Database, store_id: UUID) -> ChannelRow:
    """Read a store's channel."""
    row = await db.fetch_one(statement("channel_read"), {"store_id": store_id})
    if row is None:
        raise RuntimeError("the statement that reads a channel gives a row for any store")
    return _row_of(store_id, row)


async def ensure_channel(db: Database, whose: Whose) -> None:
    """Write a store's channel down as it is, if it never was; the watchdog looks after those that are."""
    before = await read_channel(db, whose.store_id)
    if before.version == 0:
        await _write(db, whose, before, before)


async def change(
    db: Database,
    whose: Whose,
    happenings: Sequence[Happening] = (),
    *,
    noting: Callable[[ChannelRow], ChannelRow] = lambda row: row,
    row: ChannelRow | None = None,
    tries: int = TRIES,
) -> tuple[ChannelRow, ChannelRow]:
    """Take what happened to a store's channel, and write it down if that changes something.

    Args:
        db: The database.
        whose: Whose channel.
        happenings: In the order in which they were heard.
        noting: Notes besides what else there is to be noted; asked again when somebody else was faster.
        row: The channel, if it was read just now.
        tries: How often to start anew when somebody else was faster.

    Returns:
        The channel before and after.

    Raises:
        ChannelBusy: somebody else was faster, again and again.
    """
    for _ in range(tries):
        before = row or await read_channel(db, whose.store_id)
        row = None
        channel = before.channel
        for one in happenings:
            channel = after(channel, one, before.at)
        now = noting(replace(before, channel=channel, provider=whose.provider))
        is_same = channel is before.channel and now == replace(before, provider=whose.provider)
        if is_same and before.provider in (None, whose.provider):
            return before, before
        if await _write(db, whose, before, now):
            return before, now
    raise ChannelBusy


def heard(row: ChannelRow) -> ChannelRow:
    """Note that the provider called, to the minute."""
    is_fresh = row.heard_at is not None and row.at - row.heard_at < HEARD_EVERY
    return row if is_fresh else replace(row, heard_at=row.at)


def heard_by_an_old_word(row: ChannelRow) -> ChannelRow:
    """Note that the provider called, and is to be told again where to report to."""
    return replace(heard(row), hooked_at=None)


async def _write(db: Database, whose: Whose, before: ChannelRow, now: ChannelRow) -> bool:
    channel = now.channel
    is_connected = channel.state in (State.OPEN, State.SUSPECT)
    is_linked = whose.provider in PHONE_PROVIDERS
    written = await db.fetch_one(
        statement("channel_write"),
        {
            "store_id": whose.store_id,
            "version": before.version,
            "provider": whose.provider,
            "state": channel.state.value,
            "reason": channel.reason,
            "since": channel.since,
            "phone": channel.phone,
            "qr": _kept(channel),
            "seen": list(channel.seen),
            "strikes": channel.strikes,
            "outage_since": channel.outage_since,
            "told_at": now.told_at,
            "heard_at": now.heard_at,
            "checked_at": now.checked_at,
            "hooked_at": now.hooked_at,
            "restarted_at": now.restarted_at,
            "is_connected": is_connected,
            "connected_phone": digits_of(channel.phone) if is_connected and is_linked and channel.phone else None,
            "instance_name": whose.instance,
            "tells_panel": channel is not before.channel,
        },
    )
    return written is not None and bool(written["is_written"])


def _kept(channel: Channel) -> str | None:
    if channel.qr is None or channel.qr_at is None:
        return None
    return msgspec.json.encode(_KeptQr(channel.qr, channel.qr_at)).decode()


def _row_of(store_id: UUID, row: Mapping[str, Any]) -> ChannelRow:
    is_known = row["version"] > 0
    return ChannelRow(
        store_id=store_id,
        channel=_channel_of(row) if is_known else _channel_before(row),
        provider=row["provider"],
        version=row["version"],
        at=row["at"],
        subdomain=row["subdomain"] or "",
        told_at=row["told_at"],
        heard_at=row["heard_at"],
        checked_at=row["checked_at"],
        hooked_at=row["hooked_at"],
        restarted_at=row["restarted_at"],
    )


def _channel_of(row: Mapping[str, Any]) -> Channel:
    kept = None if row["qr"] is None else msgspec.convert(row["qr"], _KeptQr)
    return Channel(
        state=State(row["state"]),
        reason=None if row["reason"] is None else Reason(row["reason"]),
        since=row["since"],
        phone=row["phone"],
        qr=None if kept is None else kept.qr,
        qr_at=None if kept is None else kept.at,
        seen=tuple(row["seen"]),
        strikes=row["strikes"],
        outage_since=row["outage_since"],
    )


def _channel_before(row: Mapping[str, Any]) -> Channel:
    """Take a channel that was linked before the plugin came for what its settings say."""
    if not row["was_connected"]:
        return Channel()
    return Channel(state=State.OPEN, phone=Phone(f"+{row['was_phone']}") if row["was_phone"] else None)
