"""The scheduler's part in replays: each turn moves every running one a bounded step on.

A step is one transaction: it takes the replay in hand, reads on from its cursor, replays what is wanted and writes the
cursor. A crash leaves all of it or nothing, and two leaders at once take turns. A step never puts more into lanes than
the replay's rate allows, nor more than leaves `unsettled_max` deliveries on their way: a lane holds only what is
worked on.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import kwargs_row
from psycopg.types.json import Jsonb

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.replay_range import Subject
from pideai_host.events.replay_write import Order, Place, replay_deliveries, replay_events
from pideai_host.telemetry import REPLAYED, get_logger

EVERY_S: Final = 0.5
"""How often a replay gets its turn."""
TURNS_MAX: Final = 20
"""Replays that get one in a run; the one that has waited longest comes first."""
FOLLOWED_MAX: Final = 5
"""Replays that are over and get one: to see what became of what they left."""
FOLLOWED_PAGE: Final = 500
"""Parked deliveries that such a turn looks at."""
REST_S: Final = 5.0
"""How long one that had nothing new to tell rests."""
PAGE: Final = 2_000
"""Rows that a step reads, whatever is wanted of them."""
STORES_MAX: Final = 1_000
"""Stores that a step looks at to find the next one with anything in it."""
STEP_MAX: Final = 250
"""Deliveries that a step puts into lanes."""
UNSETTLED_MIN: Final = 100
KEPT_DAYS: Final = 90
FORGET_BATCH: Final = 500
ERROR_MAX_CHARS: Final = 200

_FIRST: Final = UUID(int=0)
_RUNNING: Final = query("select id from pideai_host.replays where status = 'running' order by paced_at limit %(limit)s")
_FOLLOWED: Final = query(
    """select id from pideai_host.replays
    where is_followed and paced_at <= now() order by paced_at limit %(limit)s"""
)
"""Over, with something that is not settled."""
_TURN: Final = query(load("pideai_host.events", "sql/replay_turn.sql"))
_PARKED: Final = query(load("pideai_host.events", "sql/replay_parked.sql"))
_SETTLED: Final = query(load("pideai_host.events", "sql/replay_settled.sql"))
_SCAN: Final = query(load("pideai_host.events", "sql/replay_scan.sql"))
_NEXT_STORE: Final = query(load("pideai_host.events", "sql/replay_next_store.sql"))
_SAVE: Final = query(load("pideai_host.events", "sql/replay_save.sql"))
_FAILED: Final = query(
    """update pideai_host.replays
    set error = %(error)s, paced_at = greatest(paced_at, now())
    where id = %(id)s and (status = 'running' or is_followed)"""
)
_FORGET: Final = query(
    """delete from pideai_host.replays where id = any (array(
    select id from pideai_host.replays
    where status <> 'running' and finished_at < now() - make_interval(days => %(days)s) limit %(limit)s))"""
)
_encode: Final = msgspec.json.Encoder().encode
_log: Final = get_logger(__name__)


class Turn(msgspec.Struct, kw_only=True):
    """A replay in hand; fields are the query's columns. `room` is what its rate has left."""

    store_id: UUID | None
    requested_by: str
    plugin: str | None
    event_types: list[str]
    statuses: list[str]
    only_untaken: bool
    since: datetime
    until: datetime
    per_s: float
    at_store: UUID | None
    at_time: datetime | None
    at_id: UUID | None
    is_read: bool
    skipped: dict[str, int]
    results: dict[str, int]
    parked_after: UUID | None
    is_running: bool
    room: int

    @property
    def unsettled_max(self) -> int:
        """How many of its deliveries may be on their way: two seconds' worth."""
        return max(UNSETTLED_MIN, int(2 * self.per_s))


class Page(msgspec.Struct, frozen=True):
    """What a step read: the wanted places, where it stopped, and whether more is left in that store."""

    wanted: list[Place]
    last: Place | None
    has_more: bool


class Step(msgspec.Struct):
    """What a step did."""

    done: int = 0
    replayed: int = 0
    watched: list[Place] = []
    parked: list[Place] = []
    lanes: set[str] = set()


class ReplayJob:
    """Moves replays on.

    Args:
        pool: Runtime connections.
        on_lanes: Called after a commit with the lanes that got messages; must not block.
    """

    def __init__(self, pool: Pool, *, on_lanes: Callable[[set[str]], None]) -> None:
        self._pool = pool
        self._on_lanes = on_lanes

    async def run(self) -> bool:
        """Give each replay that runs, or left something under way, a step.

        Returns whether one of them has more to read at once.

        What goes wrong with one replay is written down with it; it goes to the end of the line and harms no other.

        Raises:
            psycopg.OperationalError: the database is away; nothing is half done.
        """
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_RUNNING, {"limit": TURNS_MAX})).fetchall()
            rows += await (await connection.execute(_FOLLOWED, {"limit": FOLLOWED_MAX})).fetchall()
        has_more = False
        for (replay_id,) in rows:
            try:
                has_more |= await self.step(replay_id)
            except Exception as error:
                if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
                    raise
                await self._note(replay_id, error)
        return has_more

    async def step(self, replay_id: UUID) -> bool:
        """Move one replay on; returns whether it has more to read and nothing to wait for."""
        async with self._pool.connection() as connection, connection.transaction():
            turn = await _take(connection, replay_id)
            if turn is None:
                return False
            step, has_more = await _move(connection, replay_id, turn)
        if step.lanes:
            self._on_lanes(step.lanes)
        REPLAYED.inc(step.replayed)
        return has_more

    async def forget(self) -> bool:
        """Delete a batch of replays that ended over `KEPT_DAYS` ago; returns whether there may be more."""
        async with self._pool.connection() as connection:
            gone = await connection.execute(_FORGET, {"days": KEPT_DAYS, "limit": FORGET_BATCH})
        return gone.rowcount == FORGET_BATCH

    async def _note(self, replay_id: UUID, error: Exception) -> None:
        primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
        line = (primary or str(error) or type(error).__name__).splitlines()[0][:ERROR_MAX_CHARS]
        _log.error("replay_failed", replay=str(replay_id), error=type(error).__name__, message=line)
        async with self._pool.connection() as connection:
            await connection.execute(_FAILED, {"id": replay_id, "error": line})


async def _take(connection: AsyncConnection[Any], replay_id: UUID) -> Turn | None:
    async with connection.cursor(row_factory=kwargs_row(Turn)) as cursor:
        await cursor.execute(_TURN, {"id": replay_id})
        return await cursor.fetchone()


async def _move(connection: AsyncConnection[Any], replay_id: UUID, turn: Turn) -> tuple[Step, bool]:
    unsettled, is_over_rate = await _let_go(connection, replay_id, turn)
    if not turn.is_running:
        is_news = await _look_at_parked(connection, replay_id, turn)
        rest_s = 0.0 if unsettled or is_news else REST_S
        await _save(connection, replay_id, turn, Step(), rest_s=rest_s)
        return Step(), False
    room = 0 if is_over_rate else min(turn.room, turn.unsettled_max - unsettled, STEP_MAX)
    step, has_more = Step(), False
    if room > 0 and not turn.is_read:
        step, has_more = await _read_on(connection, replay_id, turn, room)
    await _save(connection, replay_id, turn, step, is_over=turn.is_read and not unsettled and not step.watched)
    return step, has_more


async def _let_go(connection: AsyncConnection[Any], replay_id: UUID, turn: Turn) -> tuple[int, bool]:
    """Count what is settled into the results; return how much is not, and whether it waits for a rate."""
    rows = await (await connection.execute(_SETTLED, {"id": replay_id})).fetchall()
    left = {result: (count, is_over_rate) for result, count, is_over_rate in rows}
    unsettled, is_over_rate = left.pop(None, (0, False))
    _add(turn.results, {result: count for result, (count, _) in left.items()})
    return unsettled, is_over_rate


async def _look_at_parked(connection: AsyncConnection[Any], replay_id: UUID, turn: Turn) -> bool:
    """Count what was parked and is settled by now as what it became; return whether there was any."""
    parameters = {"id": replay_id, "after": turn.parked_after or _FIRST, "limit": FOLLOWED_PAGE}
    rows = await (await connection.execute(_PARKED, parameters)).fetchall()
    met = sum(count for _, count, _ in rows)
    turn.parked_after = max(last for _, _, last in rows) if met == FOLLOWED_PAGE else None
    settled = {result: count for result, count, _ in rows if result is not None}
    _add(turn.results, settled)
    _add(turn.results, {"parked": -sum(settled.values())})
    return bool(settled)


async def _read_on(connection: AsyncConnection[Any], replay_id: UUID, turn: Turn, room: int) -> tuple[Step, bool]:
    """Replay at most `room` of what the next page holds; returns also whether to go on at once."""
    page = await _next_page(connection, turn)
    taken = page.wanted[:room]
    is_cut = len(page.wanted) > room
    order = Order(turn.requested_by, replay_id)
    step = await (_events if turn.only_untaken else _deliveries)(connection, turn, taken, order)
    last = taken[-1] if is_cut else page.last
    if last is not None:
        turn.at_time, turn.at_id = last.created_at, last.id
    if not is_cut and not page.has_more:
        await _leave_store(connection, turn)
    return step, not turn.is_read and not is_cut and not step.replayed


async def _next_page(connection: AsyncConnection[Any], turn: Turn) -> Page:
    if turn.at_store is None:
        turn.at_store = turn.store_id or await _store_after(connection, turn, _FIRST)
    if turn.at_store is None:
        return Page([], None, has_more=False)
    subject = Subject.of(only_untaken=turn.only_untaken)
    parameters = {
        "store_id": turn.at_store,
        "after_at": turn.at_time or turn.since,
        "after_id": turn.at_id or _FIRST,
        "until": turn.until,
        "plugin": turn.plugin,
        "types": turn.event_types,
        "statuses": turn.statuses,
        "limit": PAGE,
    }
    statement = _SCAN.format(table=subject.table, wanted=subject.wanted)
    rows = await (await connection.execute(statement, parameters)).fetchall()
    places = [(Place(id_, created_at), is_wanted) for id_, created_at, is_wanted, _ in rows]
    return Page(
        [place for place, is_wanted in places if is_wanted],
        places[-1][0] if places else None,
        has_more=bool(rows) and rows[0][3] == PAGE,
    )


async def _leave_store(connection: AsyncConnection[Any], turn: Turn) -> None:
    """Go on with the next store; a store's own replay has no other."""
    following = None
    if turn.store_id is None and turn.at_store is not None:
        following = await _store_after(connection, turn, turn.at_store)
    turn.at_store, turn.at_time, turn.at_id = following or turn.at_store, None, None
    turn.is_read = following is None


async def _store_after(connection: AsyncConnection[Any], turn: Turn, after: UUID) -> UUID | None:
    statement = _NEXT_STORE.format(table=Subject.of(only_untaken=turn.only_untaken).table)
    parameters = {"after": after, "limit": STORES_MAX, "since": turn.since, "until": turn.until}
    row = await (await connection.execute(statement, parameters)).fetchone()
    return None if row is None else row[0]


async def _deliveries(connection: AsyncConnection[Any], turn: Turn, places: Sequence[Place], order: Order) -> Step:
    if not places:
        return Step()
    replayed = await replay_deliveries(connection, places, order)
    met = replayed.by_id.values()
    _add(turn.skipped, Counter(one.judgement.value for one in met if not one.is_done))
    _add(turn.skipped, {"gone": len(places) - len(met)})
    gone_again = [one for one in met if one.is_done]
    parked = [Place(one.target_id, one.created_at) for one in gone_again if one.lane is None]
    _add(turn.results, {"parked": len(parked)})
    return Step(
        done=len(places),
        replayed=len(gone_again),
        watched=[Place(one.target_id, one.created_at) for one in gone_again if one.lane is not None],
        parked=parked,
        lanes=replayed.lanes,
    )


async def _events(connection: AsyncConnection[Any], turn: Turn, places: Sequence[Place], order: Order) -> Step:
    if not places:
        return Step()
    met = await replay_events(connection, places, order, plugin=turn.plugin)
    made = [one for one in met if one.lane is not None]
    taken = {one.event_id for one in met}
    _add(turn.skipped, {"untaken": len(places) - len(taken)})
    _add(turn.skipped, {"repeated": len(taken) - len({one.event_id for one in made})})
    return Step(
        done=len(places),
        replayed=len(made),
        watched=[Place(one.id, one.created_at) for one in made],
        lanes={one.lane for one in made if one.lane is not None},
    )


async def _save(
    connection: AsyncConnection[Any],
    replay_id: UUID,
    turn: Turn,
    step: Step,
    *,
    is_over: bool = False,
    rest_s: float = 0.0,
) -> None:
    watched = [
        {"id": one.id, "created_at": one.created_at, "is_parked": is_parked}
        for is_parked, places in ((False, step.watched), (True, step.parked))
        for one in places
    ]
    parameters = {
        "id": replay_id,
        "at_store": turn.at_store,
        "at_time": turn.at_time,
        "at_id": turn.at_id,
        "is_read": turn.is_read,
        "done": step.done,
        "replayed": step.replayed,
        "skipped": Jsonb(turn.skipped),
        "results": Jsonb(turn.results),
        "watched": _encode(watched).decode(),
        "is_over": is_over,
        "parked_after": turn.parked_after,
        "rest_s": rest_s,
    }
    await connection.execute(_SAVE, parameters)


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        if count:
            counts[name] = counts.get(name, 0) + count
            if not counts[name]:
                del counts[name]
