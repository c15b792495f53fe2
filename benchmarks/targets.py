"""What is wanted of the figures (DESIGN.md 8, issue 3), and whether they are what is wanted."""

from collections.abc import Mapping
from typing import Final

import msgspec

from benchmarks.figures import Figure, number


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One wish.

    Attributes:
        what: For people.
        figure: Its name.
        least: What is wanted at least, or None.
        most: What is wanted at most, or None. With neither it is only reported.
        of: Whether the figure itself counts or its ratio to what stands beside it.
    """

    what: str
    figure: str
    least: float | None = None
    most: float | None = None
    of: str = "ratio"

    @property
    def wanted(self) -> str:
        """Say what is wanted."""
        if self.least is not None:
            return f"{self.least:g} or more"
        return f"{self.most:g} or less" if self.most is not None else "reported"

    def verdict(self, figure: Figure | None) -> tuple[str, str]:
        """Say what is here, and whether that is met or missed by how much."""
        found = getattr(figure, self.of, None)
        if figure is None or found is None:
            return "", "not measured"
        unit = f" {figure.unit}" if self.of == "value" else ""
        return f"{number(found)}{unit}", self._judged(found)

    def _judged(self, found: float) -> str:
        if self.least is not None:
            return "met" if found >= self.least else f"**missed** by {1 - found / self.least:.0%}"
        if self.most is not None:
            return "met" if found <= self.most else f"**missed** by {found / self.most - 1:.0%}"
        return ""


_KINDS: Final[Mapping[str, str]] = {
    "history": "1,000,000 rows in the log",
    "parked": "200,000 parked deliveries",
    "installations": "1,000 stores x 10 installations",
    "plugins": "100 plugins installed",
}
_TROUBLES: Final[Mapping[str, str]] = {
    "backlog": "another store's backlog of 100,000",
    "hanging": "another store's receiver that hangs",
    "raising": "a plugin that raises",
}

TARGETS: Final = (
    Target(what="intake: rate, of the bare handler's", figure="intake.rate", least=0.85),
    Target(what="intake: rate, of NestJS's", figure="peers.intake.rate", least=1.0),
    Target(what="intake: p99, of NestJS's", figure="peers.intake.p99", most=1.0),
    Target(what="intake: CPU an event, of the bare handler's", figure="intake.cpu", most=1.5),
    Target(what="delivery: rate from one store's backlog, of the bare loop's", figure="delivery.rate", least=0.65),
    Target(what="delivery: the same from a backlog of 50 stores", figure="delivery.many_stores.rate", least=0.65),
    Target(
        what="delivery: rate, of BullMQ's with 2 workers on both sides",
        figure="peers.delivery.two_workers.rate",
        least=1.0,
    ),
    Target(what="delivery: rate of 1 worker, of BullMQ's with 2", figure="peers.delivery.one_worker.rate"),
    Target(what="delivery: CPU a delivery of one store's backlog, of the bare loop's", figure="delivery.cpu", most=1.5),
    Target(
        what="delivery: CPU a delivery of 50 stores, of the bare loop's", figure="delivery.many_stores.cpu", most=1.5
    ),
    Target(what="delivery: rate of 2 workers, of 1 worker's", figure="delivery.two_workers.against_one"),
    *(
        Target(what=f"flat: {way} with {full}, of the rate without", figure=f"flat.{kind}.{way}.rate", least=0.9)
        for kind, full in _KINDS.items()
        for way in ("intake", "delivery")
    ),
    *(
        Target(what=f"fair: a quiet store's p99 beside {trouble}, of its own", figure=f"fair.{kind}.p99", most=1.5)
        for kind, trouble in _TROUBLES.items()
    ),
    Target(
        what="identity: CPU that authentication, ownership and limits add to a request",
        figure="identity.added.cpu",
        most=1_000.0,
        of="value",
    ),
    Target(what="start: both plugins, to the first answer", figure="start.first_answer", most=2.0, of="value"),
    Target(what="memory: an idle `worker`", figure="memory.worker", most=120.0, of="value"),
    Target(what="memory: an idle `serve`, which is two processes", figure="memory.serve", of="value"),
)


def rows(figures: Mapping[str, Figure]) -> list[tuple[str, str, str, str]]:
    """Set each wish beside what was measured: what, wanted, here, met or missed."""
    return [(one.what, one.wanted, *one.verdict(figures.get(one.figure))) for one in TARGETS]
