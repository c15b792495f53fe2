"""Write outcomes, a batch at a time, fenced by (message id, read count), with what plugins emitted meanwhile."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from pideai_host.api import RESPONSE_BODY_MAX_CHARS
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.dispatch import Dispatched
from pideai_host.events.intake import Intake
from pideai_host.events.ordering import Leaving, Member
from pideai_host.events.patience import patiently
from pideai_host.events.queue import Claimed, for_lane
from pideai_host.events.released import PARKED_FOR_IT, make_released_due
from pideai_host.events.settlement import Settlement
from pideai_host.events.sources import NewEvent, encode_payload
from pideai_host.events.unwritten import Unwritten
from pideai_host.events.verdict import Verdict
from pideai_host.stores.endings import Endings
from pideai_host.stores.holds import Held
from pideai_host.telemetry import DELIVERIES_SETTLED, DELIVERY_SECONDS, get_logger

BATCH_MAX: Final = 200
BUSY: Final = 16
"""Outcomes in one batch that tell of load; the next batch is waited for a moment, since a statement has its price."""
LINGER_S: Final = 0.003
DATA_MAX_BYTES: Final = 8_192
ATTEMPTS: Final = 3
"""Before an outcome is kept for later (`unwritten`)."""

_APART: Final = timedelta(microseconds=1)
_REFUSALS: Final = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
_NOT_NOW: Final = (psycopg.OperationalError, psycopg.InternalError)
"""The server is away, has no room, or takes nothing while another one takes over."""
_CLOCK: Final = query("select clock_timestamp()")
_SETTLE: Final = load("pideai_host.events", "sql/settle.sql")
_BAD: Final = frozenset({"failed", "unknown"})
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_log: Final = get_logger(__name__)
_seconds_of: Final = cache(lambda plugin, status: DELIVERY_SECONDS.labels(plugin=plugin, status=status))


class Settled(msgspec.Struct, frozen=True):
    """A delivery on its way into the log; `entity_in_order` is `Claimed`'s, `held` a credit that its end may leave.

    `store_id` is whom to tell of the change, None for nobody; `took_s` how long ago its event happened.
    """

    lane: str
    plugin: str
    settlement: Settlement
    outcome: str
    emitted: tuple[NewEvent, ...] = ()
    entity_in_order: str | None = None
    held: Held | None = None
    store_id: UUID | None = None
    took_s: float | None = None


class _Waiting(msgspec.Struct, frozen=True):
    """An outcome to be written, and whom to tell when that is over."""

    settled: Settled
    done: Callable[[], None]


class Settler:
    """Group commit for outcomes: whatever came while a statement ran goes into the next one.

    Args:
        pool: Runtime connections.
        intake: Where emitted events go.
        on_changed: Called after a commit with the stores whose deliveries have changed; must not block.
    """

    def __init__(self, pool: Pool, intake: Intake, *, on_changed: Callable[[set[UUID]], None] | None = None) -> None:
        self._pool = pool
        self._on_changed = on_changed
        self._intake = intake
        self._leaving = Leaving(pool, on_lanes=intake.tell)
        self._endings = Endings(pool)
        self._unwritten: Unwritten[Settled] = Unwritten(self._settle_again)
        self._met_away: Counter[str] = Counter()
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._last = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def is_behind(self) -> bool:
        """Whether there are outcomes that the database would not take lately: then it is better to make no more.

        Those that it was last away for count as long as they are kept: their leases may have run out, and a claim would
        bring what they are of.
        """
        return self._unwritten.are_fresh or any(lane in self._unwritten for lane in self._met_away)

    async def start(self) -> None:
        """Start writing."""
        self._task = asyncio.create_task(self._run(), name="settler")

    async def stop(self) -> None:
        """Write what waits, then end."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._unwritten.stop()
        await self._leaving.stop()
        await self._endings.stop()

    def add(self, settled: Settled, done: Callable[[], None]) -> None:
        """Hand over one outcome; `done` is called once it is written, or given up on. Never waits.

        What is given up on comes back by itself, when the lease of its message ends.
        """
        self._waiting.append(_Waiting(settled, done))
        self._wake.set()

    async def put(self, settled: Settled) -> None:
        """Hand over one outcome and wait until it is written, or given up on."""
        done = asyncio.get_running_loop().create_future()
        self.add(settled, partial(_resolve, done))
        await done

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            if self._last >= BUSY and len(self._waiting) < BUSY and not self._closing:
                await asyncio.sleep(LINGER_S)
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            self._last = len(batch)
            if not self._waiting and not self._closing:
                self._wake.clear()
            lanes: dict[str, list[_Waiting]] = defaultdict(list)
            for one in batch:
                lanes[one.settled.lane].append(one)
            await asyncio.gather(*(self._settle_lane(lane, some) for lane, some in lanes.items()))

    async def _settle_lane(self, lane: str, some: list[_Waiting]) -> None:
        left = await self._settle(lane, [one.settled for one in some])
        if left:
            _log.warning("outcomes_put_off", lane=lane, deliveries=len(left))
        for n, one in enumerate(some):
            if n in left:
                self._unwritten.keep(lane, one.settled, one.done)
            else:
                one.done()

    async def _settle(self, lane: str, batch: list[Settled]) -> Collection[int]:
        """Write a batch; return the places of those that could not be written now. Does not raise."""
        try:
            await self._write(lane, batch)
        except _REFUSALS as error:
            return await self._refused(lane, batch, error)
        except _NOT_NOW as error:
            if _is_away(error):
                self._met_away[lane] += 1
            return range(len(batch))
        except Exception as error:  # noqa: BLE001 - the worker goes on; the messages return when their leases end
            _log.error("settle_failed", lane=lane, deliveries=len(batch), error=type(error).__name__)
        return ()

    async def _settle_again(self, lane: str, batch: list[Settled]) -> Collection[int]:
        """Write what was put off, as `_settle` does; whatever stops it now, it is not that the database is away."""
        before = self._met_away[lane]
        left = await self._settle(lane, batch)
        if self._met_away[lane] == before:
            del self._met_away[lane]
        return left

    async def _refused(self, lane: str, batch: list[Settled], error: psycopg.Error) -> Collection[int]:
        """Write a refused batch singly; the culprit loses what is refused, never its outcome, and harms nobody else."""
        if len(batch) > 1:
            return [n for n, settled in enumerate(batch) if await self._settle(lane, [settled])]
        _log.warning("settle_refused", lane=lane, delivery=str(batch[0].settlement.id), sqlstate=error.sqlstate)
        less = _less(batch[0])
        return () if less is None else await self._settle(lane, [less])

    async def _write(self, lane: str, batch: list[Settled]) -> None:
        """Write a batch, again if the answer was lost: the second time it is a late outcome that was noted already."""
        statement = for_lane(_SETTLE, lane)
        settlements = [settled.settlement for settled in batch]
        emit = any(settled.emitted for settled in batch)
        may_be_released = any(one.park_reason in PARKED_FOR_IT for one in settlements)

        async def settle(connection: AsyncConnection[TupleRow], some: Sequence[Settlement]) -> list[TupleRow]:
            return await (await connection.execute(statement, {"results": _encode(some).decode()})).fetchall()

        async def write(connection: AsyncConnection[TupleRow]) -> tuple[list[TupleRow], set[str]]:
            if not emit and not may_be_released:
                return await settle(connection, settlements), set()
            async with connection.transaction():  # what plugins emitted and the outcomes, or neither
                released = await make_released_due(connection, settlements) if may_be_released else settlements
                rows = await settle(connection, released)
                if not emit:
                    return rows, set()
                held = {(msg_id, read_ct) for msg_id, read_ct, is_settled in rows if is_settled}
                emitted = [e for settled in batch if _claim_of(settled) in held for e in settled.emitted]
                [(at,)] = await (await connection.execute(_CLOCK)).fetchall()
                return rows, await self._intake.store(_happened(emitted, at), connection)

        rows, lanes = await patiently(self._pool, write, attempts=ATTEMPTS)
        self._intake.tell(lanes)
        if self._on_changed is not None:
            self._on_changed({settled.store_id for settled in batch if settled.store_id is not None})
        _count(lane, batch, {(msg_id, read_ct): is_settled for msg_id, read_ct, is_settled in rows})
        self._leaving.add([member for settled in batch if (member := _gone_from_order(settled)) is not None])
        self._endings.add([(settled.plugin, settled.held) for settled in batch if settled.held is not None])


def _is_away(error: psycopg.Error) -> bool:
    """Tell whether nothing can be written, claims neither: no connection, or a server that stops, starts or follows."""
    state = error.sqlstate
    return state is None or state.startswith(("08", "57P")) or isinstance(error, psycopg.errors.ReadOnlySqlTransaction)


def _gone_from_order(settled: Settled) -> Member | None:
    """Say whose place in an order is free now, if any's; one parked for order asks whether it still has to wait."""
    is_over = settled.settlement.status != "pending" or settled.settlement.park_reason == "order"
    if settled.entity_in_order is None or not is_over:
        return None
    return Member(settled.settlement.installation_id, settled.entity_in_order, settled.settlement.id)


def _resolve(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def _happened(events: list[NewEvent], at: datetime) -> list[NewEvent]:
    """Say when emitted events happened, one after the other, by the clock that their age and order are measured by."""
    return [msgspec.structs.replace(event, occurred_at=at + n * _APART) for n, event in enumerate(events)]


def _claim_of(settled: Settled) -> tuple[int, int]:
    return settled.settlement.msg_id, settled.settlement.read_ct


def _less(settled: Settled) -> Settled | None:
    """Return an outcome without the details that may be what the database refuses, then without emitted events."""
    bare = msgspec.structs.replace(
        settled.settlement,
        response_code=None,
        response_body=None,
        data=None,
        attempt=None,
        error_message="the details of this outcome could not be stored",
    )
    if bare != settled.settlement:
        return msgspec.structs.replace(settled, settlement=bare)
    if not settled.emitted:
        return None
    bare.error_message = "the details of this outcome, and the events emitted with it, could not be stored"
    return msgspec.structs.replace(settled, settlement=bare, emitted=())


def _count(lane: str, batch: list[Settled], held: dict[tuple[int, int], bool]) -> None:
    failed: dict[tuple[str, str, int | None], list[UUID]] = defaultdict(list)
    counts: Counter[tuple[str, str]] = Counter()
    for settled in batch:
        was_settled = held.get(_claim_of(settled))
        if was_settled:
            counts[settled.plugin, settled.outcome] += 1
            if settled.took_s is not None and settled.settlement.status != "pending":
                _seconds_of(settled.plugin, settled.settlement.status).observe(max(0.0, settled.took_s))
            if settled.settlement.status in _BAD:
                settlement = settled.settlement
                failed[settled.plugin, settled.outcome, settlement.response_code].append(settlement.id)
        elif was_settled is None:
            _log.warning("lease_lost", lane=lane, delivery=str(settled.settlement.id), outcome=settled.outcome)
        else:
            _log.warning("delivery_not_pending", lane=lane, delivery=str(settled.settlement.id))
    for (plugin, outcome), count in counts.items():
        DELIVERIES_SETTLED.labels(plugin=plugin, outcome=outcome).inc(count)
    for (plugin, outcome, code), ids in failed.items():
        # without the plugin's words, which may quote a customer: those are in the delivery's history
        _log.warning(
            "deliveries_failed", plugin=plugin, outcome=outcome, code=code, deliveries=len(ids), first=str(ids[0])
        )


def settlement_of(claimed: Claimed, dispatched: Dispatched, *, at: datetime, worker: str) -> Settlement:
    """Build the row to write for one verdict."""
    verdict = dispatched.verdict
    attempts = claimed.attempts + (1 if verdict.uses_attempt else 0)
    return Settlement(
        msg_id=claimed.msg_id,
        read_ct=claimed.read_ct,
        id=claimed.id,
        created_at=claimed.created_at,
        installation_id=claimed.installation_id,
        status=verdict.status,
        attempts=attempts,
        delay_s=verdict.delay_s,
        park_reason=verdict.park_reason,
        response_code=verdict.response_code,
        response_body=_storable(verdict.response_body, RESPONSE_BODY_MAX_CHARS),
        error_message=_storable(verdict.error, RESPONSE_BODY_MAX_CHARS),
        data=_encoded_data(verdict.data),
        attempt=_attempt(verdict.outcome, dispatched, attempts, at, worker) if _is_history(verdict) else None,
    )


def held_credit(claimed: Claimed, dispatched: Dispatched) -> Held | None:
    """Name the delivery if it ends and may hold a credit still."""
    if not dispatched.may_hold_credit or dispatched.verdict.status == "pending":
        return None
    return Held(claimed.store_id, claimed.id, claimed.created_at)


def emitted_events(claimed: Claimed, dispatched: Dispatched) -> tuple[NewEvent, ...]:
    """Build the events that a plugin emitted during one call; when they happened is said when they are written."""
    return tuple(
        NewEvent(
            id=emitted.id,
            store_id=claimed.store_id,
            type=emitted.type,
            payload=msgspec.Raw(encode_payload(emitted.payload)),
            occurred_at=claimed.occurred_at,
            source="emit",
            entity_id=claimed.entity_id,
            bulk=emitted.bulk,
            traceparent=emitted.traceparent,
        )
        for emitted in dispatched.emitted
    )


def _is_history(verdict: Verdict) -> bool:
    """Calls and endings make history; waiting shows in the row itself, or it would fill it."""
    return verdict.uses_attempt or verdict.status != "pending"


def _attempt(outcome: str, dispatched: Dispatched, attempts: int, at: datetime, worker: str) -> dict[str, Any]:
    verdict = dispatched.verdict
    facts = {
        "attempt": attempts,
        "at": at.isoformat(),
        "outcome": outcome,
        "duration_ms": dispatched.duration_ms,
        "code": verdict.response_code,
        "reason": verdict.reason,
        "error": _storable(verdict.error, RESPONSE_BODY_MAX_CHARS),
        "worker": worker,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _storable(text: str | None, most: int) -> str | None:
    """PostgreSQL's text holds no NUL and no lone surrogate."""
    if text is None:
        return None
    return text[:most].replace("\x00", "").encode("utf-8", "replace").decode()


def _encoded_data(data: dict[str, Any] | None) -> msgspec.Raw | None:
    if data is None:
        return None
    try:
        encoded = _encode(data)
    except Exception as error:  # noqa: BLE001 - objects of the plugin's have a say in it
        encoded = _encode({"unreadable": type(error).__name__})
    if len(encoded) > DATA_MAX_BYTES:
        encoded = _encode({"too_large_bytes": len(encoded)})
    return msgspec.Raw(encoded)
