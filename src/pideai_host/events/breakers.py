"""A worker's breakers: failures counted here, transitions shared through the database.

A call whose installation has no failures and no shared breaker costs one look into a dictionary. Each worker counts
failures for itself; an opening is written once and read by the others within a second, and so is a recovery.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec
import psycopg

from pideai_host.api import BreakerPolicy, PluginDefinition
from pideai_host.events.breaker import Breaker, Phase
from pideai_host.events.breaker_rows import BreakerRows, SharedBreaker
from pideai_host.events.channel import Channel
from pideai_host.events.queue import Claimed
from pideai_host.events.verdict import Verdict
from pideai_host.telemetry import BREAKER_TRANSITIONS, get_logger

READ_S: Final = 1.0
"""How often a worker reads what the others wrote; below `breaker_rows.HEARD_WITHIN_S`."""

_PARKED: Final = Verdict(status="pending", outcome="breaker", park_reason="breaker")
_log: Final = get_logger(__name__)


class _Known(msgspec.Struct, frozen=True):
    """A breaker as this worker knows it; version 0 is not in the database."""

    breaker: Breaker = Breaker()
    version: int = 0
    probe_id: UUID | None = None


class _Change(msgspec.Struct, frozen=True):
    """A transition and the call that made it."""

    claimed: Claimed
    definition: PluginDefinition
    policy: BreakerPolicy
    before: _Known
    after: Breaker
    reason: str | None
    response_code: int | None


class Breakers:
    """The breakers of all installations, as one worker knows them.

    Args:
        rows: What is shared.
        monotonic: Seconds, injected; due times are the database's.
    """

    def __init__(self, rows: BreakerRows, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rows = rows
        self._monotonic = monotonic
        self._known: dict[UUID, _Known] = {}
        self._read_again_s = float("-inf")

    def parks(self, claimed: Claimed) -> Verdict | None:
        """Return how a delivery is parked instead of being attempted, or None: call."""
        known = self._known.get(claimed.installation_id) if self._known else None
        if known is None or known.breaker.phase is Phase.CLOSED or _is_probe(known, claimed):
            return None
        return _PARKED

    async def heard(
        self,
        claimed: Claimed,
        definition: PluginDefinition,
        policy: BreakerPolicy | None,
        channel: Channel | None,
        verdict: Verdict,
    ) -> Verdict:
        """Take the word of one call, or of a refusal, and return what becomes of the delivery.

        That is `verdict`, except for a probe that failed: it is parked again and uses no attempt. Does not raise for
        what the database does.

        Args:
            claimed: The delivery.
            definition: The plugin's, for its names.
            policy: The installation's.
            channel: What the call told of it; None for nothing.
            verdict: What the call, or the refusal, made of the delivery.
        """
        known = self._known.get(claimed.installation_id)
        if policy is None or (known is None and channel is not Channel.BROKEN):
            return verdict
        known = known or _Known()
        is_probe = _is_probe(known, claimed)
        if known.breaker.phase is not Phase.CLOSED and not is_probe:
            return verdict
        now_s = self._monotonic()
        changed = known.breaker.after(channel, policy, now_s)
        self._keep(claimed.installation_id, msgspec.structs.replace(known, breaker=changed), policy)
        if changed.phase is not known.breaker.phase:
            await self._share(
                _Change(claimed, definition, policy, known, changed, verdict.error, verdict.response_code)
            )
        is_spared = is_probe and channel is Channel.BROKEN and verdict.status in ("pending", "failed")
        return msgspec.structs.replace(_PARKED, error=verdict.error) if is_spared else verdict

    async def keep_up(self) -> None:
        """Refresh if the last time is `READ_S` ago. Does not raise for what the database does."""
        now_s = self._monotonic()
        if now_s < self._read_again_s:
            return
        self._read_again_s = now_s + READ_S
        try:
            await self.refresh()
        except psycopg.Error as error:
            _log.warning("breakers_not_read", error=type(error).__name__)

    async def refresh(self) -> None:
        """Read what is shared, and do what is due: probes, what recovered installations have parked.

        Raises:
            psycopg.Error: the database does not answer; what is known stays.
        """
        rows = await self._rows.read()
        if any(row.is_due for row in rows):
            await self._rows.probe()
            rows = await self._rows.read()
        self._learn(rows)
        if any(row.needs_care for row in rows):
            await self._rows.drain()

    def _learn(self, rows: list[SharedBreaker]) -> None:
        now_s = self._monotonic()
        known = {key: one for key, one in self._known.items() if one.version == 0}
        for row in rows:
            before = self._known.get(row.installation_id, _Known()).breaker
            is_counting = row.phase is Phase.CLOSED is before.phase
            breaker = Breaker(
                phase=row.phase,
                failures=before.failures if is_counting else 0,
                last_failure_s=before.last_failure_s,
                openings=row.openings,
                until_s=now_s + row.left_s,
            )
            known[row.installation_id] = _Known(breaker, row.version, row.probe_id)
        self._known = known

    def _keep(self, installation_id: UUID, known: _Known, policy: BreakerPolicy) -> None:
        if known.version == 0 and known.breaker.has_forgotten(policy, self._monotonic()):
            self._known.pop(installation_id, None)
        else:
            self._known[installation_id] = known

    async def _share(self, change: _Change) -> None:
        """Write a transition; if that fails, what was known before stays, and the next call tries again."""
        installation_id, slug, phase = change.claimed.installation_id, change.definition.slug, change.after.phase
        try:
            version = await (self._close(change) if phase is Phase.CLOSED else self._open(change))
        except psycopg.Error as error:
            _log.warning("breaker_not_written", plugin=slug, error=type(error).__name__)
            self._known[installation_id] = change.before
            return
        if version is None:  # another worker was first: the next reading tells
            self._known.pop(installation_id, None)
            return
        self._known[installation_id] = _Known(change.after, version)
        BREAKER_TRANSITIONS.labels(plugin=slug, phase=phase.value).inc()
        _log.warning("breaker_changed", plugin=slug, store_id=str(change.claimed.store_id), phase=phase.value)

    async def _close(self, change: _Change) -> int | None:
        return await self._rows.close(
            change.claimed.installation_id,
            version=change.before.version,
            memory_s=change.policy.max_cool_down_s,
            notice=f"{change.definition.name} vuelve a funcionar: lo que estaba en espera se está enviando.",
        )

    async def _open(self, change: _Change) -> int | None:
        before, after = change.before.breaker, change.after
        is_new = before.phase is Phase.CLOSED
        is_old_news = not is_new and before.openings == after.openings
        return await self._rows.open(
            change.claimed.installation_id,
            change.definition.slug,
            version=change.before.version,
            openings=after.openings,
            cool_down_s=max(0.0, after.until_s - self._monotonic()),
            reason=None if is_old_news else change.reason,
            notice=_notice_of_opening(change.definition.name, change.response_code) if is_new else None,
        )


def _is_probe(known: _Known, claimed: Claimed) -> bool:
    return known.breaker.phase is Phase.HALF_OPEN and known.probe_id == claimed.id


def _notice_of_opening(name: str, response_code: int | None) -> str:
    why = "" if response_code is None else f" (contestó con el código {response_code})"
    return (
        f"{name} no está respondiendo{why}. Los envíos quedan en espera, no se pierden: se prueba cada cierto tiempo y "
        "se envían solos en cuanto vuelva."
    )
