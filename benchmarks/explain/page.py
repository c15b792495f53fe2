"""The page that shows the plans: docs/explain.md."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.explain.plans import Plan, shortened
from benchmarks.fill.sizes import Sizes
from benchmarks.page import replaced, table

WHY: Final[Mapping[str, str]] = {
    "intake": "Only the batch is read, the stores' installations come by index, and each insert goes to this week's "
    "partition; what grows is the depth of the primary key of `event_ids`, by its logarithm, and that is pruned.",
    "share: return query": "The end of one store's index, at most 400 rows of it, from the newest partition backwards.",
    "claim": "Of the lane the first messages by its key, and a lane holds only what is ready; what is inside follows.",
    "claim: return query": "Each message names the key and the instant of its delivery, which names those of "
    "its event: the primary key of one partition each, all others are passed over (never executed).",
    "items": "By the orders' keys, and the items by the shop's own index on their order.",
    "look": "By the primary key of the events, in the partitions of their instants.",
    "complete": "As `look`.",
    "reserve": "By the primary key of the deliveries in the partitions of their instants; one row for each "
    "installation that has a limit.",
    "begin": "One row by its primary key in one partition.",
    "settle": "Messages by the lane's key, deliveries by the primary key of one partition each; no index holds a "
    "column that it changes, unless the delivery is parked.",
    "promote": "The index holds only what is parked for an instant, and its beginning is what is due; the rows are "
    "then found by primary key in the partitions of their instants.",
    "breakers_read": "The table holds only what is broken.",
    "breakers_probe": "As above; of what a breaker parked, the newest row by an index that holds nothing else.",
    "breakers_drain": "Of what a breaker parked so many at a time, by that index.",
    "sweep_orders": "One page of the shop's index on the instant, from the cursor on.",
    "sweep_statuses": "As `sweep_orders`.",
    "sweep_carts": "The carts of a week, by the shop's index on the instant.",
    "sweep_missing": "By the primary key of the ids, a page of them.",
    "take_captured": "The beginning of the primary key; what was taken is gone.",
    "replay_scan": "So many rows of one store's index at a time, from where it stopped.",
    "replay_deliveries": "By the primary key of one partition each.",
    "prune_ids": "A block range index tells which pages are old enough; a bounded number of them at a time.",
}
"""Why a plan stays as it is, by the name of its statement: these are shown whole."""


def parts(small: Mapping[str, Plan], large: Mapping[str, Plan], sizes: Sizes) -> dict[str, str]:
    """Write what is generated of the page."""
    rows = [
        (f"[{name}](#{_anchor(name)})" if name in WHY else name, *_counts(small.get(name)), *_counts(plan))
        for name, plan in sorted(large.items())
    ]
    head = ("statement", "rows, empty", "pages, empty", "rows, full", "pages, full")
    plans = [text for name, plan in sorted(large.items()) if name in WHY for text in _shown(name, plan)]
    return {
        "sizes": f"Full: {sizes.history:,} deliveries that are dealt with, {sizes.parked:,} that are parked,\n"
        f"{sizes.stores:,} stores with {sizes.plugins_each} plugins each, {sizes.orders:,} orders. Empty: some.",
        "table": table(head, rows, right=(1, 2, 3, 4)),
        "plans": "\n".join(plans),
    }


def write(page: Path, small: Mapping[str, Plan], large: Mapping[str, Plan], sizes: Sizes) -> None:
    """Renew the page."""
    page.write_text(replaced(page.read_text(), parts(small, large, sizes)))


def _counts(plan: Plan | None) -> tuple[str, str]:
    return ("", "") if plan is None else (f"{plan.rows:,}", f"{plan.pages:,}")


def _shown(name: str, plan: Plan) -> list[str]:
    return [f"### {name}", "", WHY[name], "", "```", *shortened(plan.text), "```", ""]


def _anchor(name: str) -> str:
    """Return the anchor that a heading gets."""
    return name.replace(":", "").replace(" ", "-")
