"""How often providers tell what changes nothing here: counted in memory, written now and then, worth no write each."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec

from pideai_host.api import Database
from pideai_whatsapp.statements import statement

FLUSH_EVERY_S: Final = 15.0
KEYS_MAX: Final = 10_000
"""Beyond this the newest kinds are not counted, until what is there is written."""


class Counts:
    """The counts of a process.

    Args:
        monotonic: Clock in seconds.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._counts: Counter[tuple[UUID, str]] = Counter()
        self._written_s = monotonic()

    def add(self, store_id: UUID, what: str, times: int = 1) -> None:
        """Count something of a store; `what` is one of a small set of words."""
        key = (store_id, what)
        if times > 0 and (key in self._counts or len(self._counts) < KEYS_MAX):
            self._counts[key] += times

    async def write_if_due(self, db: Database) -> None:
        """Write what was counted, at most every `FLUSH_EVERY_S`; what cannot be written is counted on."""
        if not self._counts or self._monotonic() - self._written_s < FLUSH_EVERY_S:
            return
        self._written_s = self._monotonic()
        counts, self._counts = self._counts, Counter()
        rows = [{"store_id": store_id, "what": what, "times": times} for (store_id, what), times in counts.items()]
        try:
            await db.execute(statement("counts_add"), {"counts": msgspec.json.encode(rows).decode()})
        except BaseException:  # a task that is cancelled has not written them either
            self._counts.update(counts)
            raise
