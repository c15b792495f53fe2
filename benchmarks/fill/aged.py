"""A database as a host leaves it after years: many stores and plugins, a long history, much that waits."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from benchmarks import dists
from benchmarks.fill.history import add_history
from benchmarks.fill.orders import place_orders
from benchmarks.fill.parked import SHARES, add_parked
from benchmarks.fill.plugins import add_plugins
from benchmarks.fill.sizes import Sizes
from benchmarks.fill.stores import add_stores, install
from benchmarks.harness import Bench
from benchmarks.places import Place, Target
from benchmarks.seed import stage

PARKED_STORES: Final = 10 * len(SHARES)
ORDERS_END: Final = timedelta(days=3)
ORDERS_SPAN: Final = timedelta(days=365)
_OTHERS_EVENT: Final = "order.ready"
"""What the plugins beside the bridge subscribe to: they are installed, and no order.created is for them."""


class Aged(msgspec.Struct, frozen=True):
    """A database that has been filled.

    Attributes:
        place: Its targets have nothing parked.
        parked: Whose deliveries wait; the n-th one for the reason at n modulo the number of reasons (`parked.SHARES`).
    """

    place: Place
    parked: Sequence[Target]


async def age(bench: Bench, place: Place, sizes: Sizes) -> Aged:
    """Fill a database with all of it."""
    slugs = dists.numbered(sizes.plugins_each - 1)
    await add_plugins(place, slugs, event=_OTHERS_EVENT)
    stores = await add_stores(bench, place, sizes.stores)
    await install(place, slugs, stores)
    count = max(len(SHARES), min(PARKED_STORES, sizes.stores // 2))
    parked, others = stores[:count], stores[count:]
    await stage(place.connection, others, sizes.orders)
    await place_orders(place, older_s=ORDERS_END.total_seconds(), over_s=ORDERS_SPAN.total_seconds(), with_carts=True)
    await add_history(place, sizes.history, stores)
    await add_parked(place, sizes.parked, parked)
    await place.connection.execute("vacuum (freeze, analyze)")
    return Aged(msgspec.structs.replace(place, targets=others, since=await place.now()), parked)
