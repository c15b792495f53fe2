"""The worker: claims what is ready, has it dealt with (`handle`), keeps its leases, brings back what is due."""

import asyncio
import os
import random
import socket
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import psycopg

from pideai_host.api import PluginDefinition
from pideai_host.events.breakers import Breakers
from pideai_host.events.complete import Completer
from pideai_host.events.dispatch import Dispatcher
from pideai_host.events.existing import ExistingLanes
from pideai_host.events.handle import Handler
from pideai_host.events.installed import InstalledCopies
from pideai_host.events.lane import LaneState
from pideai_host.events.leases import LOOK_S, Leases
from pideai_host.events.ordering import Ordering
from pideai_host.events.quarantines import Quarantines
from pideai_host.events.queue import Claimed, Queue, Wanted
from pideai_host.events.rates import Rates
from pideai_host.events.settle import Settler
from pideai_host.events.traced import DeliveryTraces
from pideai_host.events.tries import Tries
from pideai_host.plugins.lanes import slug_of
from pideai_host.telemetry import get_logger

BATCH_MAX: Final = 100
POLL_S: Final = 1.0
"""How often an idle lane is looked at although nobody said that it has work."""
BEHIND_S: Final = 0.2
"""How often it is looked whether the outcomes that the database would not take are written, before more is claimed."""
PROMOTE_S: Final = 0.2
PROMOTE_BATCH: Final = 500
STOP_GRACE_S: Final = 10.0
"""Beyond the longest hook: how long a stop waits for what runs."""

_log: Final = get_logger(__name__)


class Worker:
    """One worker of a process; any number may run side by side.

    Args:
        definitions: The plugins whose lanes it serves, by slug.
        quarantined: Those whose lanes it leaves alone.
        now: For the history of attempts; due times are the database's.
        traces: The spans of what it has in hand; None while tracing is off.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        dispatcher: Dispatcher,
        completer: Completer,
        settler: Settler,
        installed: InstalledCopies,
        breakers: Breakers,
        rates: Rates,
        ordering: Ordering,
        definitions: Mapping[str, PluginDefinition],
        now: Callable[[], datetime],
        quarantined: Quarantines,
        traces: DeliveryTraces | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._settler = settler
        self._breakers = breakers
        self._quarantined = quarantined
        self._monotonic = monotonic
        self._lanes = {
            state.lane: state
            for slug, one in definitions.items()
            for state in LaneState.of(slug, one, monotonic=monotonic)
        }
        self._existing = ExistingLanes(queue, self._lanes, monotonic=monotonic)
        self._longest_s = max((one.limits.timeout_s for one in definitions.values()), default=0.0)
        self._leases = Leases(queue, monotonic=monotonic)
        self._handler = Handler(
            queue,
            dispatcher=dispatcher,
            completer=completer,
            settler=settler,
            installed=installed,
            breakers=breakers,
            rates=rates,
            ordering=ordering,
            leases=self._leases,
            quarantined=quarantined,
            now=now,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            on_room=self._wake_up,
            traces=traces,
        )
        self._tries = Tries(
            queue,
            quarantined,
            self._handler,
            lanes=self._lanes.values(),
            existing=self._existing,
            monotonic=monotonic,
        )
        self._wake = asyncio.Event()
        self._stopping = False
        self._loops: list[asyncio.Task[None]] = []
        self._renewing: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether both loops are alive."""
        return bool(self._loops) and not any(task.done() for task in self._loops)

    @property
    def missing_lanes(self) -> frozenset[str]:
        """Lanes that it would serve if they existed."""
        return self._existing.missing

    @property
    def served(self) -> frozenset[str]:
        """The plugins whose lanes it serves, without those that lack one."""
        return frozenset(map(slug_of, self._lanes)) - frozenset(map(slug_of, self._existing.missing))

    def wake(self, lanes: set[str] | None) -> None:
        """Hear that lanes have work; None for perhaps all of them. Never waits."""
        for lane in self._lanes if lanes is None else lanes & self._lanes.keys():
            self._lanes[lane].is_hot = True
        self._wake.set()

    def _wake_up(self) -> None:
        self._wake.set()

    async def start(self) -> None:
        """Start to claim and to promote, in the lanes that exist (`pideai-host plugins sync` makes them)."""
        await self._existing.look()
        await self._quarantined.refresh()
        await self._settler.start()
        self._renewing = asyncio.create_task(self._renew_forever(), name="renew")
        self._loops = [
            asyncio.create_task(self._claim_forever(), name="claim"),
            asyncio.create_task(self._promote_forever(), name="promote"),
        ]

    async def stop(self) -> None:
        """Claim nothing more, finish what runs, have its outcomes written."""
        self._stopping = True
        self._handler.begin_no_more()
        self._wake.set()
        await asyncio.gather(*self._loops)
        await self._handler.stop(self._longest_s + STOP_GRACE_S)
        await self._settler.stop()
        if self._renewing is not None:
            self._renewing.cancel()

    async def _claim_forever(self) -> None:
        while not self._stopping:
            if self._settler.is_behind:
                await asyncio.sleep(BEHIND_S)
                continue
            lanes = [
                state
                for state in self._lanes.values()
                if state.slug not in self._quarantined and state.lane in self._existing
            ]
            wanted = [one for state in lanes if (one := state.wanted(BATCH_MAX, POLL_S)) is not None]
            if not wanted:
                await self._pause(min((state.rests_s(BATCH_MAX, POLL_S) for state in lanes), default=POLL_S))
                continue
            began_s = self._monotonic()
            for one in wanted:
                self._lanes[one.lane].asked()
            try:
                claimed = await self._queue.claim(wanted)
            except psycopg.Error as error:
                _log.warning("claim_failed", error=type(error).__name__)
                self.wake({one.lane for one in wanted})
                if not await self._existing.heard(error):
                    await asyncio.sleep(POLL_S)
                continue
            self._begin(wanted, claimed, began_s)

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), min(seconds, POLL_S))
        except TimeoutError:
            return

    def _begin(self, wanted: list[Wanted], claimed: list[Claimed], began_s: float) -> None:
        by_lane: dict[str, list[Claimed]] = {one.lane: [] for one in wanted}
        for message in claimed:
            by_lane[message.lane].append(message)
        for one in wanted:
            self._lanes[one.lane].claimed(len(by_lane[one.lane]), one.count)
        # By chance, so that where one plugin ends each worker at once the others' lanes come before it now and then.
        for lane in random.sample(sorted(by_lane), len(by_lane)):
            if by_lane[lane]:
                self._handler.begin(self._lanes[lane], by_lane[lane], began_s)

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._leases.renew()

    async def _promote_forever(self) -> None:
        while not self._stopping:
            try:
                promoted = await self._queue.promote(PROMOTE_BATCH, lanes=self._existing.only)
            except psycopg.Error as error:
                _log.warning("promote_failed", error=type(error).__name__)
                await self._existing.heard(error)
                promoted = {}
            self.wake(set(promoted))
            await self._existing.keep_up()
            await self._breakers.keep_up()
            await self._quarantined.keep_up()
            await self._tries.make_due()
            if sum(promoted.values()) < PROMOTE_BATCH:
                await asyncio.sleep(PROMOTE_S)
