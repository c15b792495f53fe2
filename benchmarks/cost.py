"""Cost: how many statements an event and a delivery take, and how long PostgreSQL is at each, beside the bare pipeline.

A short run with every statement logged. CPU and write-ahead log come from the unlogged runs of intake and delivery.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

from benchmarks import delivery, intake
from benchmarks.figures import Figure, compared
from benchmarks.harness import Bench
from benchmarks.statements import Statement, logged

OFTEN: Final = 0.0005
"""Calls per event below which a statement is no part of its way: a look at the clock, a job of the schedule."""
TELLING: Final = 0.01
"""Share of PostgreSQL's time from which on a statement is named."""

Each = Mapping[str, Statement]


async def run(bench: Bench) -> list[Figure]:
    """Count what one round of intake and one of delivery ask of the database, on both sides."""
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(intake.host_side(bench, bench.host))
        bare = await stack.enter_async_context(intake.bare_side(bench))
        taken = await _intake(bench, "host", host), await _intake(bench, "bare", bare)
    bare_way = await _delivery(bench, "bare", delivery.bare_side(bench))
    delivered = await _delivery(bench, "host", delivery.host_side(bench, bench.host)), bare_way
    fuller = await _delivery(bench, "host", delivery.host_side(bench, bench.host, complete=False)), bare_way
    return [
        *figures("cost.intake", "event", *taken),
        *figures("cost.delivery", "delivery", *delivered),
        *figures("cost.delivery.with_items_to_read", "delivery", *fuller),
    ]


async def _intake(bench: Bench, database: str, side: intake.Side) -> dict[str, Statement]:
    async with logged(bench.bare, bench.postgres_log) as log:
        accepted = (await intake.measure(bench, side)).outcome.accepted
        return _each(await log.statements(database), accepted)


async def _delivery(bench: Bench, database: str, side: delivery.Side) -> dict[str, Statement]:
    async with logged(bench.bare, bench.postgres_log) as log:
        await delivery.drain(bench, side)
        return _each(await log.statements(database), bench.options.backlog)


def _each(statements: Each, count: int) -> dict[str, Statement]:
    return {name: Statement(one.calls / count, one.ms / count) for name, one in statements.items()}


def figures(name: str, what: str, ours: Each, theirs: Each) -> list[Figure]:
    """Report statements and PostgreSQL's time at them, in all and each of the host's by its name.

    What the bare pipeline does in the same place goes by the same name with ``bare_`` before it.
    """
    often = {key: one for key, one in ours.items() if one.calls >= OFTEN}
    other = {key.removeprefix("bare_"): one for key, one in theirs.items() if one.calls >= OFTEN}
    found = [
        _figure(f"{name}.statements", f"calls/{what}", _calls(often), _calls(other)),
        _figure(f"{name}.postgres", f"us/{what}", _us(often), _us(other)),
    ]
    telling = [key for key, one in often.items() if one.ms >= TELLING * sum(each.ms for each in often.values())]
    for key in sorted(telling, key=lambda key: -often[key].ms):
        mine, twin = {key: often[key]}, {key: other[key]} if key in other else {}
        found.append(_figure(f"{name}.{key}.statements", f"calls/{what}", _calls(mine), _calls(twin)))
        found.append(_figure(f"{name}.{key}.postgres", f"us/{what}", _us(mine), _us(twin)))
    return found


def _figure(name: str, unit: str, ours: float, theirs: float) -> Figure:
    return compared(name, unit, [ours], [theirs]) if theirs else Figure(name, ours, unit)


def _calls(statements: Each) -> float:
    return sum(one.calls for one in statements.values())


def _us(statements: Each) -> float:
    return sum(one.ms for one in statements.values()) * 1_000
