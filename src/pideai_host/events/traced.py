"""What traces say of events and deliveries; nothing here is called while tracing is off (docs/adr/0045).

An event keeps its place in a trace in its row, so that whatever process delivers it goes on from there: each claim of a
delivery is a span below its event, with the call, the requests that it makes and the writing of its outcome below that.
What was not sampled where it came in is recorded nowhere further down.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import args_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.sources import NewEvent
from pideai_host.telemetry import get_logger, tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from pideai_host.events.dispatch import Dispatched
    from pideai_host.events.installed import Installed
    from pideai_host.events.queue import Claimed
    from pideai_host.telemetry.spans import Spans

_TRACES: Final = query(load("pideai_host.events", "sql/traces.sql"))
_GOOD: Final = frozenset({"delivered", "sent", "pending", "cancelled"})
_log: Final = get_logger(__name__)


def announced(events: Sequence[NewEvent]) -> list[NewEvent]:
    """Return events with their places in traces; a root each where nothing brought them that is traced itself."""
    return [event if event.traceparent is not None else _announced(event) for event in events]


def _announced(event: NewEvent) -> NewEvent:
    if tracing.active is None:
        return event
    facts = {"pideai.event": str(event.id), "pideai.store": str(event.store_id), "pideai.door": event.source}
    return msgspec.structs.replace(event, traceparent=tracing.active.announce(event.type, facts))


class _Found(msgspec.Struct, frozen=True):
    id: UUID
    event: str | None
    is_replayed: bool
    replay: str | None


class _Open(msgspec.Struct):
    """A claimed delivery's span, and that of its settling once it has come to that."""

    read_ct: int
    whole: "Span"
    settle: "Span | None" = None


class DeliveryTraces:
    """The spans of what one worker has in hand."""

    def __init__(self, pool: Pool, spans: "Spans") -> None:
        self._pool = pool
        self._spans = spans
        self._open: dict[tuple[str, int], _Open] = {}

    async def begin(self, slug: str, batch: Sequence["Claimed"]) -> None:
        """Begin the spans of a claimed batch; without them it goes on as well, so this does not raise."""
        if not batch:
            return
        try:
            found = await self._look(batch)
        except psycopg.Error as error:
            _log.warning("traces_not_read", error=type(error).__name__)
            return
        for one in batch:
            place = found.get(one.id)
            if place is None or (place.event is None and place.replay is None):
                continue
            whole = self._spans.start(
                f"deliver {slug}",
                "consumer",
                parent=place.replay or place.event,
                links=[place.event] if place.replay and place.event else (),
                attributes={
                    "pideai.plugin": slug,
                    "pideai.event_type": one.type,
                    "pideai.event": str(one.event_id),
                    "pideai.delivery": str(one.id),
                    "pideai.store": str(one.store_id),
                    "pideai.lane": one.lane,
                    "pideai.attempt": one.attempts + 1,
                    "pideai.claim": one.read_ct,
                    "pideai.queued_s": round(one.enqueued_s, 3),
                    "pideai.replayed": place.is_replayed,
                },
            )
            self._open[one.lane, one.msg_id] = _Open(one.read_ct, whole)

    def around(self, dispatch: Callable[..., Awaitable["Dispatched"]]) -> Callable[..., Awaitable["Dispatched"]]:
        """Return `Dispatcher.dispatch` with all that it does below the delivery's span."""

        async def dispatched(
            claimed: "Claimed", slug: str, stored: "Installed | None", *rest: Any, **named: Any
        ) -> Any:
            open_ = self._of(claimed)
            with self._spans.within(None if open_ is None else open_.whole):
                return await dispatch(claimed, slug, stored, *rest, **named)

        return dispatched

    def settling(self, claimed: "Claimed", dispatched: "Dispatched") -> None:
        """Note the outcome, which is on its way into the log."""
        found = self._of(claimed)
        if found is None:
            return
        verdict = dispatched.verdict
        found.whole.set_attribute("pideai.outcome", verdict.outcome)
        found.whole.set_attribute("pideai.status", verdict.status)
        if verdict.park_reason is not None:
            found.whole.set_attribute("pideai.park_reason", verdict.park_reason)
        if verdict.response_code is not None:
            found.whole.set_attribute("http.response.status_code", verdict.response_code)
        if verdict.status not in _GOOD or verdict.outcome == "retry":
            self._spans.mark(found.whole, verdict.outcome)
        found.settle = self._spans.start("settle", parent=found.whole)

    def let_go(self, claimed: "Claimed") -> None:
        """End the spans of what is out of hand."""
        found = self._of(claimed)
        if found is None:
            return
        del self._open[claimed.lane, claimed.msg_id]
        if found.settle is not None:
            found.settle.end()
        found.whole.end()

    def _of(self, claimed: "Claimed") -> _Open | None:
        found = self._open.get((claimed.lane, claimed.msg_id))
        return found if found is not None and found.read_ct == claimed.read_ct else None

    async def _look(self, batch: Sequence["Claimed"]) -> dict[UUID, _Found]:
        places = {"ids": [one.id for one in batch], "times": [one.created_at for one in batch]}
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=args_row(_Found)) as cursor,
        ):
            await cursor.execute(_TRACES, places)
            return {found.id: found for found in await cursor.fetchall()}
