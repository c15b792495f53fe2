"""Plans as PostgreSQL tells them: how many pages they touched, and their text without what repeats."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec

PAGES: Final = ("Shared Hit Blocks", "Shared Read Blocks")
_PARTITION: Final = re.compile(r"(plugin_events(?:_log)?)_(?:\d{4}w\d{2}|default)")
_NUMBER: Final = re.compile(r"_\d+\b")


class Plan(msgspec.Struct, frozen=True):
    """One statement carried out once.

    Attributes:
        text: What EXPLAIN says.
        rows: The most that one of its nodes had to do with.
        pages: Pages touched, in cache or not.
    """

    text: Sequence[str]
    rows: int
    pages: int


def rows(explained: list[dict[str, Any]]) -> int:
    """Return the most rows that a node of a plan gave (EXPLAIN in JSON)."""
    return max(round(float(node["Actual Rows"]) * int(node["Actual Loops"])) for node in _nodes(explained[0]["Plan"]))


def pages(explained: list[dict[str, Any]]) -> int:
    """Sum up the pages that the nodes of a plan touched themselves (EXPLAIN in JSON).

    A node's own count holds those of its children. What a CTE touches is counted in whoever reads it, and nowhere when
    nobody does (an INSERT without RETURNING): so CTEs count by themselves, and their readers not at all.
    """
    return sum(_own(node) for node in _nodes(explained[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _own(node: dict[str, Any]) -> int:
    if node["Node Type"] == "CTE Scan":
        return 0
    below = sum(_touched(child) for child in node.get("Plans", ()) if not _is_cte(child))
    return max(0, _touched(node) - below)


def _is_cte(node: dict[str, Any]) -> bool:
    return str(node.get("Subplan Name", "")).startswith("CTE ")


def _touched(node: dict[str, Any]) -> int:
    return sum(int(node[name]) for name in PAGES)


def shortened(lines: Sequence[str]) -> list[str]:
    """Leave out what says the same of one partition after the other: one of each kind stays, and how many more."""
    return [line for node in _folded(_split(lines)) for line in node]


def _split(lines: Sequence[str]) -> list[list[str]]:
    """Cut a plan's text into its nodes, each with the lines that describe it."""
    nodes: list[list[str]] = []
    for line in lines:
        if not nodes or line.lstrip().startswith(("->", "CTE ", "InitPlan", "SubPlan", "Planning")):
            nodes.append([])
        nodes[-1].append(line)
    return nodes


def _folded(nodes: list[list[str]]) -> Iterator[list[str]]:
    for _, alike in groupby(nodes, key=_kind):
        first, *others = alike
        yield first
        if others:
            yield [f"{first[0][: _depth(first[0])]}… and {len(others)} more of the kind"]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _kind(node: list[str]) -> str:
    """Tell nodes apart by all but partition, place in the list and counts."""
    if not _PARTITION.search(node[0]):
        return "\n".join(node)
    ran = "" if "never executed" in node[0] else "ran"
    return _NUMBER.sub("", _PARTITION.sub(r"\1", node[0].split("(actual")[0].split("(never")[0])) + ran
