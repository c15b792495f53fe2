"""What `pideai-host replay` shows."""

import asyncio
import sys
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pideai_host.events.delivery_log import LoggedEvent
from pideai_host.events.replay import ReplayedDelivery, ReplayedEvent
from pideai_host.events.replay_range import Preview, ReplayRanges, ReplayState, ReplayStatus
from pideai_host.events.scope import EVERY_STORE

LOOK_S: Final = 0.5
STALLED_S: Final = 15.0
"""After this long without a move the operator is told where to look."""
PIPED_WIDTH: Final = 1_000


class Untaken(msgspec.Struct, frozen=True):
    """Events that nobody took; `has_more` when there may be others."""

    items: list[LoggedEvent]
    has_more: bool


def preview_line(counted: Preview, *, untaken: bool) -> str:
    """Say in a line how much a replay would be."""
    subject = ("event that nobody took", "events that nobody took") if untaken else ("delivery", "deliveries")
    number = f"{counted.count}" if counted.is_exact else f"{counted.count} or more"
    return f"{number} {subject[counted.count != 1 or not counted.is_exact]}."


def done_line(done: ReplayedDelivery | ReplayedEvent) -> str:
    """Say in a line what a single replay did."""
    if isinstance(done, ReplayedDelivery):
        what = f"A copy, {done.delivery_id}, goes" if done.is_copy else f"Delivery {done.delivery_id} goes again"
        return f"{what} (replay {done.replay_id})."
    made = ", ".join(str(one) for one in done.made) or "none"
    return f"Deliveries made: {made}. There already: {len(done.kept)} (replay {done.replay_id})."


def report(state: ReplayState) -> str:
    """Say in some lines how a replay stands."""
    total = f"{state.total}" if state.total_is_exact else f"{state.total} or more"
    lines = [
        f"replay {state.id}: {state.status.value}",
        f"  {state.done} of {total} dealt with, {state.replayed} replayed, {state.unsettled} on their way",
    ]
    if state.results:
        lines.append(f"  became: {_counts(state.results)}")
    if state.skipped:
        lines.append(f"  skipped: {_counts(state.skipped)}")
    if state.error:
        lines.append(f"  stuck: {state.error}")
    return "\n".join(lines)


def table(states: Iterable[ReplayState]) -> None:
    """Print replays, one a line."""
    shown = Table("id", "status", "store", "done", "total", "replayed", "by", "since", "begun", box=box.SIMPLE)
    for one in states:
        shown.add_row(
            str(one.id),
            one.status.value,
            "all" if one.store_id is None else str(one.store_id),
            str(one.done),
            f"{one.total}" if one.total_is_exact else f"{one.total}+",
            str(one.replayed),
            one.requested_by,
            one.since.isoformat(timespec="seconds"),
            one.created_at.isoformat(timespec="seconds"),
        )
    _print(shown, "No replays.")


def untaken_table(found: Untaken) -> None:
    """Print events that nobody took, one a line."""
    shown = Table("id", "type", "about", "came in", "source", box=box.SIMPLE)
    for one in found.items:
        shown.add_row(
            str(one.id), one.type, one.entity_id or "", one.created_at.isoformat(timespec="seconds"), one.source
        )
    _print(shown, "No such events.")
    if found.has_more:
        print("There are more: --since and --type narrow it down.")


async def follow(ranges: ReplayRanges, replay_id: UUID) -> int:
    """Show a replay's progress until it is over; return 0 if it was done, 1 if it was cancelled."""
    console = Console(stderr=True)
    state = await ranges.get(EVERY_STORE, replay_id)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("replaying", total=state.total)
        still_s = 0.0
        while state.status is ReplayStatus.RUNNING:
            progress.update(
                task,
                completed=state.done,
                total=max(state.total, state.done),
                description="settling" if state.done >= state.total else "replaying",
            )
            await asyncio.sleep(LOOK_S)
            before, state = state, await ranges.get(EVERY_STORE, replay_id)
            still_s = still_s + LOOK_S if _looks_like(state) == _looks_like(before) else 0.0
            if still_s == STALLED_S:
                progress.console.print(_why_it_stands(state), markup=False, highlight=False)
        progress.update(task, completed=state.done)
    print(report(state))
    return int(state.status is ReplayStatus.CANCELLED)


def _looks_like(state: ReplayState) -> tuple[int, int, Mapping[str, int]]:
    return state.done, state.unsettled, state.results


def _why_it_stands(state: ReplayState) -> str:
    if state.error:
        return f"It stands still: {state.error}."
    if state.unsettled:
        return f"It waits for {state.unsettled} deliveries that are tried again, or wait for their plugin's rate."
    return "It stands still: does a worker run, and is its scheduler elected?"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _print(shown: Table, otherwise: str) -> None:
    if not shown.row_count:
        print(otherwise)
        return
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(width=width, markup=False, highlight=False, emoji=False).print(shown)
