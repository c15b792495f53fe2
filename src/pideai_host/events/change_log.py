"""What has changed of a store's deliveries and notices since a place: nothing left out, nothing twice (docs/adr/0035).

Every row carries the id of the transaction that changed it last. A read gives what finished transactions wrote, in the
order of their ids, up to the oldest one that still runs: whatever commits later has a higher id. So a place is good for
any process, and for as long as rows are kept.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.delivery_log import LoggedDelivery
from pideai_host.stores.notices import Notice

PAGE_MAX: Final = 500
EXAMINED_MAX: Final = 20_000
"""Young deliveries of a store that one read looks at; with more than these, what changed is not told one by one."""

PATIENCE_S: Final = 60
"""How long a transaction may run before nobody waits for it any more: what it changed then is not told."""

YOUNG_S: Final = 3_600 + PATIENCE_S
"""How long a delivery is young (`pideai_host.late_change`), and how long who saw it so may have taken."""

RESUME_MAX_S: Final = 86_400
"""The oldest place to go on from."""

_READ: Final = query(load("pideai_host.events", "sql/log_changes.sql"))
_TEXT: Final = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,12})(?:-([01])([0-9a-f-]{1,36}))?")
_XID_MAX: Final = 2**63
_FAR: Final = 2**36
"""An instant that nobody lives to see, and that PostgreSQL still knows."""
_NOTED_EVERY_S: Final = 1.0


class Kind(IntEnum):
    """What has changed."""

    NONE = -1
    DELIVERY = 0
    NOTICE = 1


class Position(NamedTuple):
    """How far somebody has read: everything up to and with this. Compares as its rows are ordered.

    Attributes:
        xid: A transaction; with `Kind.NONE`, everything of earlier ones is read and nothing of this one.
        key: The row's id, as text.
    """

    xid: int
    kind: int
    key: str

    @classmethod
    def before(cls, xid: int) -> "Position":
        """Return the position right before what a transaction wrote."""
        return cls(xid, Kind.NONE, "")


class Place(msgspec.Struct, frozen=True):
    """How far somebody has read, and since when: what a client gets, and sends back to go on.

    Attributes:
        at: In Unix seconds of the database; no transaction after the position began earlier, but for `PATIENCE_S`.
    """

    position: Position
    at: int

    def __str__(self) -> str:
        xid, kind, key = self.position
        return f"{xid:x}-{self.at:x}" + ("" if kind == Kind.NONE else f"-{kind}{key}")

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """Return what `str` made a text of; None for any other text."""
        found = _TEXT.fullmatch(text)
        if found is None or int(found[1], 16) > _XID_MAX or int(found[2], 16) > _FAR:
            return None
        position = (
            Position(int(found[1], 16), int(found[3]), found[4]) if found[3] else Position.before(int(found[1], 16))
        )
        return cls(position, int(found[2], 16))


class Change(msgspec.Struct, frozen=True):
    """One row as it is now; `place` is right behind it."""

    place: Place
    row: LoggedDelivery | Notice


class ChangePage(msgspec.Struct, frozen=True):
    """What a read found.

    Attributes:
        changes: In order.
        following: Where the next read begins.
        has_more: Whether that may find something at once.
        is_behind: Whether it will soon: something has changed already, behind a transaction that still runs.
        is_whole: False when changes are left out: the place was too old or none of this database's, or there was more
            to look at than may be.
    """

    changes: list[Change]
    following: Place
    has_more: bool
    is_behind: bool
    is_whole: bool


class ChangeLog:
    """All stores' changes.

    Args:
        pool: Runtime connections.
        monotonic: Clock in seconds.
    """

    def __init__(self, pool: Pool, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._seen: deque[_Seen] = deque()

    async def now(self, store_id: UUID) -> Place:
        """Return the place from where on changes are new."""
        row = (await self._read(store_id, Place(Position.before(_XID_MAX), _FAR), limit=1))[0]
        return Place(Position.before(int(row["upto"])), row["at"])

    async def after(self, store_id: UUID, place: Place) -> ChangePage:
        """Return what changed of a store after a place, at most `PAGE_MAX` rows."""
        rows = await self._read(store_id, place, limit=PAGE_MAX)
        upto, upcoming, at = int(rows[0]["upto"]), int(rows[0]["next"]), rows[0]["at"]
        changes = [_change(row, place.at) for row in rows if row["xid"] is not None]
        has_more = len(changes) == PAGE_MAX
        following = (
            changes[-1].place if has_more else Place(Position.before(upto), self._since(upto, upcoming, at, place.at))
        )
        is_known = place.position.xid <= upcoming and place.at >= at - RESUME_MAX_S
        is_whole = is_known and rows[0]["examined"] < EXAMINED_MAX
        return ChangePage(changes, following, has_more, rows[0]["is_behind"], is_whole)

    async def _read(self, store_id: UUID, place: Place, *, limit: int) -> list[dict[str, Any]]:
        began_s = self._monotonic()
        parameters = {
            "store_id": store_id,
            "xid": str(place.position.xid),
            "kind": place.position.kind,
            "id": place.position.key,
            "young_since": place.at - YOUNG_S,
            "floor": str(self._floor(began_s)),
            "examined": EXAMINED_MAX,
            "limit": limit,
        }
        async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_READ, parameters)
            rows = await cursor.fetchall()
        self._note(_Seen(began_s, rows[0]["at"], int(rows[0]["next"])))
        return rows

    def _note(self, seen: "_Seen") -> None:
        if not self._seen or seen.read_s >= self._seen[-1].read_s + _NOTED_EVERY_S:
            self._seen.append(seen)
        while len(self._seen) > 1 and self._seen[1].read_s <= seen.read_s - 2 * PATIENCE_S:
            self._seen.popleft()

    def _floor(self, now_s: float) -> int:
        """Return the transaction that had not begun `PATIENCE_S` ago: all before it are held for over."""
        return max((one.upcoming for one in self._seen if one.read_s <= now_s - PATIENCE_S), default=0)

    def _since(self, upto: int, upcoming: int, at: int, before: int) -> int:
        """Return an instant at which no transaction from `upto` on had begun; the later the better."""
        if upto == upcoming:
            return int(at)
        return max((one.at for one in self._seen if one.upcoming <= upto), default=before)


class _Seen(NamedTuple):
    """At `read_s` by our clock, `at` by the database's, transaction `upcoming` had not begun."""

    read_s: float
    at: int
    upcoming: int


def _change(row: Mapping[str, Any], at: int) -> Change:
    place = Place(Position(int(row["xid"]), row["kind"], row["key"]), at)
    if place.position.kind == Kind.DELIVERY:
        return Change(place, msgspec.convert(row, LoggedDelivery))
    told = {"id": row["notice_id"], "at": row["notice_at"], "plugin": row["notice_plugin"]}
    return Change(place, msgspec.convert({**told, "level": row["level"], "message": row["message"]}, Notice))
