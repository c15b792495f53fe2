"""What a benchmark says, as a table for people and as JSON for machines."""

from collections.abc import Sequence
from statistics import median

import msgspec
from rich.table import Table


class Figure(msgspec.Struct, frozen=True):
    """One line of the result.

    Attributes:
        name: ``benchmark.what``.
        value: Ours; the median of the rounds.
        baseline: Theirs, likewise; None where nothing stands beside it.
        ratio: The median of the rounds' own ratios, so that a disturbed round costs itself alone.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None


def alone(name: str, unit: str, values: Sequence[float]) -> Figure:
    """Report a figure that has no baseline."""
    return Figure(name, median(values), unit)


def compared(name: str, unit: str, ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """Report ours beside theirs; the n-th of each were measured one after the other."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Figure(name, median(ours), unit, median(theirs), median(ratios))


def table(figures: Sequence[Figure], *, title: str) -> Table:
    """Lay the figures out for a terminal."""
    shown = Table(title=title)
    shown.add_column("figure", no_wrap=True)
    for heading in ("host", "baseline", "unit", "ratio"):
        shown.add_column(heading, justify="left" if heading == "unit" else "right", no_wrap=True)
    for one in figures:
        shown.add_row(one.name, number(one.value), number(one.baseline), one.unit, ratio(one.ratio))
    return shown


def to_json(figures: Sequence[Figure]) -> bytes:
    """Encode the figures as a list of {name, value, unit, baseline, ratio}."""
    return msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n"


def number(value: float | None) -> str:
    """Write a number as people read it; nothing for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def ratio(value: float | None) -> str:
    """Write a ratio; nothing for None."""
    return "" if value is None else f"{value:.2f}"
