"""Plugins that a worker leaves alone: those that its own process quarantined, and those that end worker after worker.

Of the latter all workers know through the database, or each new process would call them again. What is theirs waits in
their lanes until one call, tried when the time is over, went well, or until an operator lifts it (docs/adr/0019).
"""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import psycopg

from pideai_host.events.quarantine_rows import Quarantined, QuarantineRows
from pideai_host.events.queue import Claimed
from pideai_host.telemetry import PLUGINS_QUARANTINED, get_logger

READ_S: Final = 2.0
"""How often a worker reads what the others wrote."""

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_HINT: Final = "Its lanes wait. `pideai-host plugins release SLUG` lifts it once the plugin is mended."
_log: Final = get_logger(__name__)


class Quarantines:
    """What one worker knows of quarantined plugins; contains their slugs.

    Args:
        rows: What is shared.
        own: Slug -> why, of those that this process quarantined for itself; looked at again and again.
        monotonic: Seconds, injected; due times are the database's.
    """

    def __init__(
        self,
        rows: QuarantineRows,
        *,
        own: Mapping[str, str] = _NONE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._own = own
        self._monotonic = monotonic
        self._known: dict[str, Quarantined] = {}
        self._read_again_s = float("-inf")

    def __contains__(self, slug: object) -> bool:
        return slug in self._known or slug in self._own

    def due(self) -> list[str]:
        """Return the slugs of those that may try one call now."""
        return [one.plugin for one in self._known.values() if one.is_due and one.plugin not in self._own]

    async def keep_up(self) -> None:
        """Read again if the last time is `READ_S` ago. Does not raise for what the database does."""
        now_s = self._monotonic()
        if now_s < self._read_again_s:
            return
        self._read_again_s = now_s + READ_S
        try:
            await self.refresh()
        except psycopg.Error as error:
            _log.warning("quarantines_not_read", error=type(error).__name__)

    async def refresh(self) -> None:
        """Read what is shared.

        Raises:
            psycopg.Error: the database does not answer; what is known stays.
        """
        before, self._known = self._known, {one.plugin: one for one in await self._rows.read()}
        for slug, one in self._known.items():
            if slug not in before:
                _tell(slug, one.reason)
        for slug in before.keys() - self._known.keys():
            PLUGINS_QUARANTINED.labels(plugin=slug).set(int(slug in self._own))
            _log.info("plugin_released", plugin=slug)

    async def blame(self, slug: str, claimed: Claimed) -> None:
        """Hold a crash against a plugin. Does not raise for what the database does: the next crash tells as well."""
        try:
            reason = await self._rows.blame(slug, claimed)
        except psycopg.Error as error:
            _log.warning("crash_not_noted", plugin=slug, error=type(error).__name__)
            return
        _log.error("plugin_crashed", plugin=slug, delivery=str(claimed.id), store_id=str(claimed.store_id))
        if reason is not None and slug not in self._known:
            self._known[slug] = Quarantined(slug, reason, is_due=False)
            _tell(slug, reason)

    async def take_try(self, slug: str) -> bool:
        """Take the one call that a plugin may try; False if another worker has it.

        Raises:
            psycopg.Error: the database does not answer; then nobody may have it for another while.
        """
        known = self._known.get(slug)
        if known is not None:
            self._known[slug] = Quarantined(slug, known.reason, is_due=False)
        return await self._rows.take_try(slug)

    async def tried(self, slug: str, *, went_well: bool) -> None:
        """Tell what became of that call: it lifts the quarantine, or it was never made and another one may be tried.

        Does not raise for what the database does: then the plugin is left alone for another while.
        """
        try:
            if not went_well:
                await self._rows.try_again(slug)
                return
            await self._rows.lift(slug)
            await self.refresh()
        except psycopg.Error as error:
            _log.warning("quarantine_not_changed", plugin=slug, error=type(error).__name__)


def _tell(slug: str, reason: str) -> None:
    PLUGINS_QUARANTINED.labels(plugin=slug).set(1)
    _log.error("plugin_quarantined", plugin=slug, reason=reason, hint=_HINT)
