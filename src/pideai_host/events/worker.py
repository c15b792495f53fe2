"""The worker: claims what is ready, lets plugins deal with it, has the outcomes written, brings back what is due.

What is claimed is always let go of again: settled, parked for a moment (`turn`) when it could not even be begun, or,
when not even that can be written, left to the end of its lease.
"""

import asyncio
import os
import random
import socket
import time
from collections.abc import Callable, Container, Coroutine, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from pideai_host.api import PluginDefinition
from pideai_host.events.breakers import Breakers
from pideai_host.events.complete import Completer, needs_completion
from pideai_host.events.dispatch import Dispatched, Dispatcher
from pideai_host.events.installed import Installed, InstalledCopies
from pideai_host.events.lane import LaneState
from pideai_host.events.queue import Claimed, Queue, Wanted
from pideai_host.events.rates import Rates, rates_of
from pideai_host.events.settle import Settled, Settler, emitted_events, settlement_of
from pideai_host.events.suspects import Suspects
from pideai_host.events.verdict import Verdict
from pideai_host.telemetry import get_logger

BATCH_MAX: Final = 100
POLL_S: Final = 1.0
"""How often an idle lane is looked at although nobody said that it has work."""
PROMOTE_S: Final = 0.2
PROMOTE_BATCH: Final = 500
STOP_GRACE_S: Final = 10.0
"""Beyond the longest hook: how long a stop waits for what runs."""

_ANOTHER_TIME: Final = Dispatched(Verdict(status="pending", outcome="wait", delay_s=POLL_S, park_reason="turn"))
_log: Final = get_logger(__name__)


class Worker:
    """One worker of a process; any number may run side by side.

    Args:
        definitions: The plugins whose lanes it serves, by slug.
        quarantined: Slugs of those whose lanes it leaves to others; looked at again and again.
        now: For the history of attempts; due times are the database's.
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
        definitions: Mapping[str, PluginDefinition],
        now: Callable[[], datetime],
        quarantined: Container[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._dispatcher = dispatcher
        self._completer = completer
        self._settler = settler
        self._installed = installed
        self._breakers = breakers
        self._rates = rates
        self._quarantined = quarantined
        self._now = now
        self._monotonic = monotonic
        self._lanes = {state.lane: state for slug, one in definitions.items() for state in LaneState.of(slug, one)}
        self._longest_s = max((one.limits.timeout_s for one in definitions.values()), default=0.0)
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._suspects = Suspects(queue, now=now, worker=self._name)
        self._wake = asyncio.Event()
        self._stopping = False
        self._loops: list[asyncio.Task[None]] = []
        self._running: set[asyncio.Task[None]] = set()

    @property
    def is_running(self) -> bool:
        """Whether both loops are alive."""
        return bool(self._loops) and not any(task.done() for task in self._loops)

    def wake(self, lanes: set[str] | None) -> None:
        """Hear that lanes have work; None for perhaps all of them. Never waits."""
        for lane in self._lanes if lanes is None else lanes & self._lanes.keys():
            self._lanes[lane].is_hot = True
        self._wake.set()

    async def start(self) -> None:
        """Start to claim and to promote, in the lanes that exist (`pideai-host plugins sync` makes them)."""
        missing = self._lanes.keys() - await self._queue.existing_lanes()
        for lane in missing:
            _log.error("lane_missing", lane=lane, hint="pideai-host plugins sync")
            del self._lanes[lane]
        await self._settler.start()
        self._loops = [
            asyncio.create_task(self._claim_forever(), name="claim"),
            asyncio.create_task(self._promote_forever(), name="promote"),
        ]

    async def stop(self) -> None:
        """Claim nothing more, finish what runs, have its outcomes written."""
        self._stopping = True
        self._wake.set()
        await asyncio.gather(*self._loops)
        try:
            async with asyncio.timeout(self._longest_s + STOP_GRACE_S):
                while self._running:  # what runs may begin more: a batch its calls, a call its settling
                    await asyncio.wait(self._running)
        except TimeoutError:
            _log.warning("stopped_with_calls_running", calls=len(self._running))
            for task in self._running:
                task.cancel()
        await self._settler.stop()

    async def _claim_forever(self) -> None:
        while not self._stopping:
            lanes = [state for state in self._lanes.values() if state.slug not in self._quarantined]
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
                self._spawn(self._work(self._lanes[lane], by_lane[lane], began_s))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("delivery_task_failed", exc_info=error)

    async def _work(self, lane: LaneState, batch: list[Claimed], began_s: float) -> None:
        """Deal with a claimed batch: drop what is settled already, complete new orders, call the hooks."""
        live = [one for one in batch if one.is_live]
        lane.release(len(batch) - len(live))
        try:
            if len(live) < len(batch):
                await self._queue.drop(lane.lane, [one for one in batch if one.is_dead])
            installed = await self._installed.for_batch(live)
        except Exception as error:  # noqa: BLE001 - whatever it was, what is claimed must be let go of
            _log.warning("batch_failed", lane=lane.lane, deliveries=len(live), error=type(error).__name__)
            self._put_off(lane, live)
            return
        incomplete = [one for one in live if needs_completion(one)]
        if incomplete:
            self._spawn(self._complete(lane, incomplete, installed, began_s))
        await self._call(lane, [(one, None) for one in live if not needs_completion(one)], installed, began_s)

    async def _complete(
        self,
        lane: LaneState,
        batch: list[Claimed],
        installed: Mapping[UUID, Installed],
        began_s: float,
    ) -> None:
        try:
            completed = await self._completer.complete(batch)
        except Exception as error:  # noqa: BLE001 - as above
            _log.warning("completion_failed", lane=lane.lane, deliveries=len(batch), error=type(error).__name__)
            self._put_off(lane, batch)
            return
        ready: list[tuple[Claimed, str | None]] = []
        for one in batch:
            found = completed.get(one.event_id) if one.event_id is not None else None
            if isinstance(found, str):
                ready.append((one, found))
            else:
                again = Verdict(status="pending", outcome="wait", delay_s=found or POLL_S, park_reason="items")
                self._spawn(self._settle(lane, one, Dispatched(again)))
        await self._call(lane, ready, installed, began_s)

    async def _call(
        self,
        lane: LaneState,
        ready: list[tuple[Claimed, str | None]],
        installed: Mapping[UUID, Installed],
        began_s: float,
    ) -> None:
        """Begin calls, each with its payload if that was completed just now; park those over the rate."""
        waits: Mapping[UUID, float] = {}
        rates = rates_of(installed)
        if rates:
            called = [one for one, _ in ready if one.enabled and self._breakers.parks(one) is None]
            try:
                waits = await self._rates.reserve(called, rates)
            except psycopg.Error as error:
                _log.warning("slots_not_reserved", lane=lane.lane, deliveries=len(ready), error=type(error).__name__)
                self._put_off(lane, [one for one, _ in ready])
                return
        for one, payload in ready:
            if one.id in waits:
                later = Verdict(status="pending", outcome="wait", delay_s=waits[one.id], park_reason="rate")
                self._spawn(self._settle(lane, one, Dispatched(later)))
            else:
                self._spawn(self._deliver(lane, one, installed.get(one.installation_id), began_s, payload))

    async def _deliver(
        self,
        lane: LaneState,
        claimed: Claimed,
        stored: Installed | None,
        began_s: float,
        payload: str | None = None,
    ) -> None:
        parked = self._breakers.parks(claimed)
        if parked is not None:  # at once: its turn may be a long way off, behind calls that hang
            await self._settle(lane, claimed, Dispatched(parked))
            return
        try:
            async with self._suspects.turn(claimed):  # until it is written: the next one may end the worker
                async with lane.turn(claimed.installation_id, lane.places(stored)):
                    dispatched = await self._dispatch(lane, claimed, stored, began_s, payload)
                await self._write(lane, claimed, dispatched)
        finally:
            self._let_go(lane)

    async def _dispatch(
        self, lane: LaneState, claimed: Claimed, stored: Installed | None, began_s: float, payload: str | None
    ) -> Dispatched:
        """Make the call now that its turn has come, unless it came too late: then somebody else begins it anew."""
        if self._stopping or lane.slug in self._quarantined or lane.lease_is_short(began_s):
            return _ANOTHER_TIME
        try:
            has_crashed = await self._suspects.has_crashed(claimed)
        except psycopg.Error as error:
            _log.warning("suspect_not_begun", lane=lane.lane, delivery=str(claimed.id), error=type(error).__name__)
            return _ANOTHER_TIME
        return await self._dispatcher.dispatch(claimed, lane.slug, stored, payload, has_crashed=has_crashed)

    def _put_off(self, lane: LaneState, batch: list[Claimed]) -> None:
        """Park what could not be begun for a moment: waiting for the ends of the leases would take a minute."""
        for one in batch:
            self._spawn(self._settle(lane, one, _ANOTHER_TIME))

    async def _settle(self, lane: LaneState, claimed: Claimed, dispatched: Dispatched) -> None:
        try:
            await self._write(lane, claimed, dispatched)
        finally:
            self._let_go(lane)

    async def _write(self, lane: LaneState, claimed: Claimed, dispatched: Dispatched) -> None:
        at = self._now()
        settled = Settled(
            lane=lane.lane,
            plugin=lane.slug,
            settlement=settlement_of(claimed, dispatched, at=at, worker=self._name),
            outcome=dispatched.verdict.outcome,
            emitted=emitted_events(claimed, dispatched, at=at),
            done=asyncio.get_running_loop().create_future(),
        )
        await self._settler.put(settled)

    def _let_go(self, lane: LaneState) -> None:
        """Give a delivery's place to another one."""
        lane.release(1)
        self._wake.set()

    async def _promote_forever(self) -> None:
        while not self._stopping:
            try:
                promoted = await self._queue.promote(PROMOTE_BATCH)
            except psycopg.Error as error:
                _log.warning("promote_failed", error=type(error).__name__)
                promoted = {}
            self.wake(set(promoted))
            await self._breakers.keep_up()
            if sum(promoted.values()) < PROMOTE_BATCH:
                await asyncio.sleep(PROMOTE_S)
