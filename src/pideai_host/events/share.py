"""How much of a plugin's main lane one store may have: what is over goes to the bulk lane (DESIGN.md 4.4).

Each intake counts what it puts into main lanes. After so many deliveries of one installation it looks how many of them
are still unsettled, on the connection that it holds anyway. A store that has little never costs a look.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

SHARE: Final = 200
"""Unsettled deliveries that one installation may have in its main lane, about."""

LOOK_EVERY: Final = SHARE // 2
"""Deliveries of one installation after which is looked again."""

LOOK_AGAIN_S: Final = 0.25
"""While it is over its share: how soon is looked again."""

LATEST: Final = 2 * SHARE
"""How many of a store's latest deliveries a look goes through; while it is over its share, of those before that."""

INSTALLATIONS_MAX: Final = 20_000


class _Known(msgspec.Struct):
    """What one intake knows of an installation."""

    since: int = 0
    over_since: datetime | None = None
    looked_at_s: float = float("-inf")


class Shares:
    """The shares of all installations, as one intake sees them.

    Args:
        monotonic: Seconds, injected.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: OrderedDict[UUID, _Known] = OrderedDict()

    def is_over(self, installation: UUID) -> bool:
        """Tell whether what an installation gets now goes to its bulk lane."""
        known = self._known.get(installation)
        return known is not None and known.over_since is not None

    def over_since(self, installation: UUID) -> datetime | None:
        """Return the database's time at which an installation was found to be over its share; None if it is not."""
        known = self._known.get(installation)
        return None if known is None else known.over_since

    def to_look_at(self, counts: Mapping[UUID, int]) -> list[UUID]:
        """Note how many deliveries some installations are about to get; return those to be looked at before."""
        now_s = self._monotonic()
        found = []
        for installation, count in counts.items():
            known = self._known.get(installation)
            if known is None:
                known = self._known[installation] = _Known()
            known.since += count
            is_due = now_s - known.looked_at_s >= LOOK_AGAIN_S if known.over_since else known.since >= LOOK_EVERY
            if is_due:
                found.append(installation)
        while len(self._known) > INSTALLATIONS_MAX:
            self._known.popitem(last=False)
        return found

    def learn(self, found: Iterable[tuple[UUID, int, datetime]]) -> None:
        """Take what a look has found: unsettled deliveries in the main lanes of some installations, and when it was."""
        now_s = self._monotonic()
        for installation, count, at in found:
            known = self._known.setdefault(installation, _Known())
            known.since = 0
            is_over = count >= (SHARE - LOOK_EVERY if known.over_since else SHARE)
            known.over_since = (known.over_since or at) if is_over else None
            known.looked_at_s = now_s
