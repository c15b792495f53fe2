"""The first of the three doors through which a change comes in (DESIGN.md 4.1): the database webhook.

The others are `capture` and `sweep`. All hand over rows, never ids.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from pideai_host.db.pool import Pool
from pideai_host.events.changes import ChangeReader, quarantine
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.intake import Intake
from pideai_host.events.patience import patiently
from pideai_host.events.rows import NotAChange, NotUnderstood, read_change
from pideai_host.telemetry import EVENTS_ACCEPTED

__all__ = ("NotAChange", "WebhookDoor")


class WebhookDoor:
    """Takes the bodies of Supabase Database Webhooks."""

    def __init__(self, pool: Pool, directory: StoreDirectory, intake: Intake, *, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._reader = ChangeReader(directory, now=now)
        self._intake = intake

    async def receive(self, body: bytes) -> tuple[UUID, ...]:
        """Keep what a body tells and return its events' ids, those of a repeated body included.

        What is authentic but not understood is kept raw in quarantine and answers no ids. Returns after the commit.

        Raises:
            NotAChange: the body is not a JSON object with type, table and record; nothing is kept.
            DatabaseUnavailable: nothing could be written now; sending it again is safe.
        """
        try:
            events = await self._reader.events_of(read_change(body), source="webhook")
            await self._intake.put(events)
        except NotUnderstood as problem:
            keep = partial(quarantine, door="webhook", body=body, problem=problem)
            await patiently(self._pool, keep)
            return ()
        EVENTS_ACCEPTED.labels(door="webhook").inc(len(events))
        return tuple(event.id for event in events)
