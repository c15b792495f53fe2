"""The page that shows the plans: docs/explain.md."""

from collections.abc import Mapping
from typing import Final

from benchmarks.explain.plans import Plan, shortened

WHY: Final[Mapping[str, str]] = {}


def render(small: Mapping[str, Plan], large: Mapping[str, Plan]) -> str:
    """Write the table and the plans."""
    lines = ["| statement | rows, empty | pages, empty | rows, full | pages, full |", "|---|---:|---:|---:|---:|"]
    for name in sorted(large):
        before = f"{small[name].rows:,} | {small[name].pages:,}" if name in small else "|"
        lines.append(f"| {name} | {before} | {large[name].rows:,} | {large[name].pages:,} |")
    for name in sorted(large):
        lines += ["", f"## {name}", "", WHY.get(name, ""), "", "```", *shortened(large[name].text), "```"]
    return "\n".join(lines) + "\n"
