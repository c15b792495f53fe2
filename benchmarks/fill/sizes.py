"""How full a database is that has seen years of use (DESIGN.md 8, issue 3)."""

import msgspec


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """What a benchmark fills in.

    Attributes:
        history: Deliveries that are dealt with, each with its event.
        parked: Deliveries that wait.
        stores: Stores, each with `plugins_each` installations.
        plugins: Plugins that are installed beside the host.
        orders: Orders of the shop.
        backlog: Orders of one store that stand before everybody else's.
    """

    history: int = 1_000_000
    parked: int = 200_000
    stores: int = 1_000
    plugins_each: int = 10
    plugins: int = 100
    orders: int = 200_000
    backlog: int = 100_000

    def scaled(self, scale: float) -> "Sizes":
        """Return smaller sizes, to try things out; never so small that a part is missing."""

        def size(full: int, least: int) -> int:
            return max(least, round(full * scale))

        return Sizes(
            history=size(self.history, 100),
            parked=size(self.parked, 100),
            stores=size(self.stores, 10),
            plugins_each=size(self.plugins_each, 2),
            plugins=size(self.plugins, 4),
            orders=size(self.orders, 100),
            backlog=size(self.backlog, 500),
        )
