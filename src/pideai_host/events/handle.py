"""What a worker does with a claimed batch: drop what is settled, complete new orders, call hooks, have it settled.

What is claimed is always let go of again: settled, parked for a moment (`turn`) when it could not even be begun, or,
when not even that can be written, left to the end of its lease.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import psycopg

from pideai_host.events.breakers import Breakers
from pideai_host.events.complete import Completer, needs_completion
from pideai_host.events.dispatch import Dispatched, Dispatcher
from pideai_host.events.installed import Installed, InstalledCopies
from pideai_host.events.lane import LaneState
from pideai_host.events.leases import Leases
from pideai_host.events.ordering import Ordering
from pideai_host.events.quarantines import Quarantines
from pideai_host.events.queue import Claimed, Queue
from pideai_host.events.rates import Rates, rates_of
from pideai_host.events.settle import Settled, Settler, emitted_events, held_credit, settlement_of
from pideai_host.events.suspects import Suspects, is_suspect
from pideai_host.events.traced import DeliveryTraces
from pideai_host.events.verdict import Verdict
from pideai_host.telemetry import get_logger

LATER_S: Final = 1.0

_ANOTHER_TIME: Final = Dispatched(Verdict(status="pending", outcome="wait", delay_s=LATER_S, park_reason="turn"))
_BEHIND: Final = Dispatched(Verdict(status="pending", outcome="order", park_reason="order"))
_log: Final = get_logger(__name__)


class Handler:
    """Deals with the claimed batches of one worker.

    Args:
        quarantined: The plugins that no call is begun for.
        now: For the history of attempts.
        worker: The worker's name, for the history as well.
        on_room: Told when a lane has room for another claim; must not block.
        traces: The spans of what is in hand; None while tracing is off.
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
        leases: Leases,
        quarantined: Quarantines,
        now: Callable[[], datetime],
        worker: str,
        on_room: Callable[[], None],
        traces: DeliveryTraces | None = None,
    ) -> None:
        self._queue = queue
        self._traces = traces
        self._dispatch = dispatcher.dispatch if traces is None else traces.around(dispatcher.dispatch)
        self._completer = completer
        self._settler = settler
        self._installed = installed
        self._breakers = breakers
        self._rates = rates
        self._ordering = ordering
        self._leases = leases
        self._quarantined = quarantined
        self._now = now
        self._worker = worker
        self._on_room = on_room
        self._suspects = Suspects(queue, now=now, worker=worker)
        self._tries: set[tuple[str, int]] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False

    def begin(self, lane: LaneState, batch: list[Claimed], began_s: float, *, is_try: bool = False) -> None:
        """Deal with a batch from now on, claimed at `began_s`. Returns at once.

        `is_try` makes a call although the plugin is quarantined, like a suspect's; how it ends decides about the rest.
        """
        self._leases.hold(batch, began_s)
        if is_try:
            self._tries.update((one.lane, one.msg_id) for one in batch)
        self._suspects.take(one for one in batch if self._goes_alone(one))
        self._spawn(self._work(lane, batch))

    def begin_no_more(self) -> None:
        """Begin no more calls: what has none yet is put back for other workers. Never waits."""
        self._stopping = True

    async def stop(self, limit_s: float) -> None:
        """Begin no more calls; wait for those that run, at most for so long."""
        self.begin_no_more()
        try:
            async with asyncio.timeout(limit_s):
                while self._running:  # what runs may begin more: a batch its calls
                    await asyncio.wait(self._running)
        except TimeoutError:
            _log.warning("stopped_with_calls_running", calls=len(self._running))
            for task in self._running:
                task.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("delivery_task_failed", exc_info=error)

    async def _work(self, lane: LaneState, batch: list[Claimed]) -> None:
        live = [one for one in batch if one.is_live]
        for one in batch:
            if not one.is_live:
                self._let_go(lane, one)
        try:
            if len(live) < len(batch):
                await self._queue.drop(lane.lane, [one for one in batch if one.is_dead])
            installed = await self._installed.for_batch(live)
            if self._traces is not None:
                await self._traces.begin(lane.slug, live)
        except Exception as error:  # noqa: BLE001 - whatever it was, what is claimed must be let go of
            _log.warning("batch_failed", lane=lane.lane, deliveries=len(live), error=type(error).__name__)
            self._put_off(lane, live)
            return
        incomplete = [one for one in live if needs_completion(one)]
        if incomplete:
            self._spawn(self._complete(lane, incomplete, installed))
            live = [one for one in live if not needs_completion(one)]
        await self._call(lane, [(one, None) for one in live], installed)

    async def _complete(self, lane: LaneState, batch: list[Claimed], installed: Mapping[UUID, Installed]) -> None:
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
                again = Verdict(status="pending", outcome="wait", delay_s=found or LATER_S, park_reason="items")
                self._settle(lane, one, Dispatched(again))
        await self._call(lane, ready, installed)

    async def _call(
        self,
        lane: LaneState,
        ready: list[tuple[Claimed, str | None]],
        installed: Mapping[UUID, Installed],
    ) -> None:
        """Begin calls, each with its payload if that was completed just now; park those that are held back."""
        try:
            held_back = await self._held_back([one for one, _ in ready], installed)
        except Exception as error:  # noqa: BLE001 - as in `_work`
            _log.warning("calls_not_begun", lane=lane.lane, deliveries=len(ready), error=type(error).__name__)
            self._put_off(lane, [one for one, _ in ready])
            return
        for one, payload in ready:
            if one.id in held_back:
                self._settle(lane, one, held_back[one.id])
            elif (parked := self._breakers.parks(one)) is not None:
                self._settle(lane, one, Dispatched(parked))
            elif self._goes_alone(one):
                self._spawn(self._deliver_alone(lane, one, installed.get(one.installation_id), payload))
            else:
                self._spawn(self._deliver(lane, one, installed.get(one.installation_id), payload))

    async def _held_back(self, batch: list[Claimed], installed: Mapping[UUID, Installed]) -> Mapping[UUID, Dispatched]:
        """Say which of a batch are parked instead of being called: those over the rate, and those behind another.

        The others that come in order are begun by this. Costs nothing where there is neither a rate nor an order.
        """
        rates = rates_of(installed)
        if not rates and all(one.place is None for one in batch):
            return {}
        called = [one for one in batch if one.enabled and self._breakers.parks(one) is None]
        waits = await self._rates.reserve(called, rates) if rates else {}
        put_off = {one.id for one in batch} - {one.id for one in called if one.id not in waits}
        behind = await self._ordering.begin(batch, put_off)
        return {delivery_id: _at_its_moment(wait_s) for delivery_id, wait_s in waits.items()} | dict.fromkeys(
            behind, _BEHIND
        )

    async def _deliver(self, lane: LaneState, claimed: Claimed, stored: Installed | None, payload: str | None) -> None:
        """Make one call when its turn comes and hand its outcome over to be written."""
        dispatched: Dispatched | None = None
        try:
            if self._suspects.are_in_hand:
                await self._suspects.wait_until_gone()
            self._suspects.other_begins()
            try:
                dispatched = await self._in_turn(lane, claimed, stored, payload)
            finally:
                self._suspects.other_ended()
        finally:
            if dispatched is not None:
                self._settle(lane, claimed, dispatched)
            else:  # cancelled, or a fault of ours: the lease ends by itself
                self._let_go(lane, claimed)

    async def _deliver_alone(
        self, lane: LaneState, claimed: Claimed, stored: Installed | None, payload: str | None
    ) -> None:
        """Make a suspect's call while no other call runs, until it is written: the next one may end the worker."""
        try:
            has_crashed = await self._has_crashed(lane, claimed)
            if has_crashed is not False:
                found = _ANOTHER_TIME
                if has_crashed:
                    found = await self._dispatch(claimed, lane.slug, stored, payload, has_crashed=True)
                await self._settler.put(self._settled(lane, claimed, found))
                return
            self._suspects.is_known(claimed)
            async with self._suspects.alone() as is_alone:
                dispatched = await self._in_turn(lane, claimed, stored, payload, is_noted=is_alone)
                await self._settler.put(self._settled(lane, claimed, dispatched))
            if dispatched.verdict.uses_attempt and self._is_try(claimed):
                self._tries.discard((claimed.lane, claimed.msg_id))
                await self._quarantined.tried(lane.slug, went_well=True)
        finally:
            self._let_go(lane, claimed)

    async def _in_turn(
        self,
        lane: LaneState,
        claimed: Claimed,
        stored: Installed | None,
        payload: str | None,
        *,
        is_noted: bool = False,
    ) -> Dispatched:
        """Make a call in the installation's turn, noted before it begins if so wanted."""
        most = lane.places_of(stored)
        ticket = lane.turns.take(claimed.installation_id, most)
        if ticket is None:
            ticket = await lane.turns.wait(claimed.installation_id, most)
        if ticket is None:
            return _later()
        try:
            if self._stopping or self._is_left_alone(lane, claimed) or self._leases.is_short(claimed):
                return _ANOTHER_TIME  # somebody else begins it anew
            has_crashed = is_noted and await self._has_crashed(lane, claimed, begins_alone=True)
            if has_crashed is None:
                return _ANOTHER_TIME
            return await self._dispatch(claimed, lane.slug, stored, payload, has_crashed=has_crashed)
        finally:
            lane.turns.give_back(claimed.installation_id, ticket)

    async def _has_crashed(self, lane: LaneState, claimed: Claimed, *, begins_alone: bool = False) -> bool | None:
        """Ask whether a suspect has ended a worker, None when it must not be begun now."""
        try:
            has_crashed = await self._suspects.has_crashed(claimed, begins_alone=begins_alone)
        except psycopg.Error as error:
            _log.warning("suspect_not_begun", lane=lane.lane, delivery=str(claimed.id), error=type(error).__name__)
            return None
        if has_crashed:
            await self._quarantined.blame(lane.slug, claimed)
        return has_crashed

    def _goes_alone(self, claimed: Claimed) -> bool:
        return is_suspect(claimed) or self._is_try(claimed)

    def _is_try(self, claimed: Claimed) -> bool:
        return bool(self._tries) and (claimed.lane, claimed.msg_id) in self._tries

    def _is_left_alone(self, lane: LaneState, claimed: Claimed) -> bool:
        return lane.slug in self._quarantined and not self._is_try(claimed)

    def _put_off(self, lane: LaneState, batch: list[Claimed]) -> None:
        """Park what could not be begun for a moment: waiting for the ends of the leases would take a minute."""
        for one in batch:
            self._settle(lane, one, _ANOTHER_TIME)

    def _settle(self, lane: LaneState, claimed: Claimed, dispatched: Dispatched) -> None:
        """Hand an outcome over; its place is free now, its lease is kept until it is written. Never waits."""
        try:
            settled = self._settled(lane, claimed, dispatched)
        except Exception:  # a fault of ours: the lease ends by itself
            self._let_go(lane, claimed)
            raise
        self._settler.add(settled, partial(self._written, lane, claimed))
        if lane.ended():
            self._on_room()

    def _written(self, lane: LaneState, claimed: Claimed) -> None:
        self._forget(lane, claimed)
        if lane.written():
            self._on_room()

    def _settled(self, lane: LaneState, claimed: Claimed, dispatched: Dispatched) -> Settled:
        if self._traces is not None:
            self._traces.settling(claimed, dispatched)
        at = self._now()
        return Settled(
            lane=lane.lane,
            plugin=lane.slug,
            settlement=settlement_of(claimed, dispatched, at=at, worker=self._worker),
            outcome=dispatched.verdict.outcome,
            emitted=emitted_events(claimed, dispatched),
            entity_in_order=claimed.entity_in_order,
            held=held_credit(claimed, dispatched),
            store_id=claimed.store_id,
            took_s=claimed.age_s + self._leases.held_s(claimed),
        )

    def _let_go(self, lane: LaneState, claimed: Claimed) -> None:
        """Give the place of a delivery to another one, which has no outcome or has it written already."""
        self._forget(lane, claimed)
        if lane.dropped():
            self._on_room()

    def _forget(self, lane: LaneState, claimed: Claimed) -> None:
        self._leases.let_go(claimed)
        self._suspects.let_go(claimed)
        if self._traces is not None:
            self._traces.let_go(claimed)
        if self._is_try(claimed):
            self._tries.discard((claimed.lane, claimed.msg_id))
            self._spawn(self._quarantined.tried(lane.slug, went_well=False))


def _at_its_moment(wait_s: float) -> Dispatched:
    return Dispatched(Verdict(status="pending", outcome="wait", delay_s=wait_s, park_reason="rate"))


def _later() -> Dispatched:
    """Put back what found no place; not all of it at the same moment."""
    delay_s = LATER_S * (1 + random.random())  # noqa: S311 - spreads load, guards nothing
    return Dispatched(Verdict(status="pending", outcome="wait", delay_s=delay_s, park_reason="turn"))
