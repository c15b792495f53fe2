"""The doors through which a change comes in; all hand over rows, never ids (DESIGN.md 4.1). Here: the webhook."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events import sources
from pideai_host.events.directory import StoreDirectory, StoreEntry
from pideai_host.events.intake import Intake
from pideai_host.events.rows import NotAChange, NotUnderstood, read_change
from pideai_host.telemetry import EVENTS_ACCEPTED, QUARANTINED, get_logger

__all__ = ("NotAChange", "WebhookDoor")

_QUARANTINE: Final = query(load("pideai_host.events", "sql/quarantine.sql"))
_log: Final = get_logger(__name__)


class WebhookDoor:
    """Takes the bodies of Supabase Database Webhooks."""

    def __init__(self, pool: Pool, directory: StoreDirectory, intake: Intake, *, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._directory = directory
        self._intake = intake
        self._now = now

    async def receive(self, body: bytes) -> tuple[UUID, ...]:
        """Keep what a body tells and return its events' ids, those of a repeated body included.

        What is authentic but not understood is kept raw in quarantine and answers no ids. Returns after the commit.

        Raises:
            NotAChange: the body is not a JSON object with type, table and record; nothing is kept.
            DatabaseUnavailable: nothing could be written now; sending it again is safe.
        """
        change = read_change(body)
        try:
            order = sources.read(change)
            if order is None:
                return ()
            store = await self._store(order.store_id)
            events = sources.events_of(order, store.facts, source="webhook", now=self._now)
            await self._intake.put(events)
        except NotUnderstood as problem:
            await self._quarantine(body, problem)
            return ()
        EVENTS_ACCEPTED.labels(door="webhook").inc(len(events))
        return tuple(event.id for event in events)

    async def _store(self, store_id: UUID) -> StoreEntry:
        store = self._directory.known(store_id) or await self._directory.get(store_id)
        if store is None:
            raise NotUnderstood("unknown_store", str(store_id))
        return store

    async def _quarantine(self, body: bytes, problem: NotUnderstood) -> None:
        detail = problem.detail[:500].replace("\x00", "\\u0000")  # PostgreSQL's text holds no NUL
        row = {"door": "webhook", "reason": problem.reason, "detail": detail, "body": body}
        async with self._pool.connection() as connection:
            await connection.execute(_QUARANTINE, row)
        QUARANTINED.labels(reason=problem.reason).inc()
        _log.warning("change_quarantined", reason=problem.reason, detail=detail[:200])
