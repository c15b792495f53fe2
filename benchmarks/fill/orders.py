"""The shop's own tables: orders with their items and changes of status, and carts that were left behind."""

from typing import Final

import msgspec

from benchmarks import orders
from benchmarks.places import Place
from pideai_host.db.sql import load, query

_ORDERS: Final = query(load("benchmarks", "sql/host_orders.sql"))
_STATUSES: Final = query(load("benchmarks", "sql/fill_statuses.sql"))
_CARTS: Final = query(load("benchmarks", "sql/fill_carts.sql"))
_ITEMS: Final = [{"name": name, "quantity": quantity, "price": price} for name, quantity, price in orders.ITEMS]


async def place_orders(place: Place, *, older_s: float = 0.0, over_s: float = 0.0, with_carts: bool = False) -> None:
    """Write the orders of the temporary table `fresh`, without the shop's own triggers: they are none of our work.

    Args:
        place: Where `fresh` is staged.
        older_s: How long ago the last of them came.
        over_s: Over how long a time before that they came.
        with_carts: Whether each has had a change of status and a cart left behind at the same time.
    """
    parameters = {
        "total": orders.TOTAL,
        "delivery": orders.DELIVERY,
        "items": msgspec.json.encode(_ITEMS).decode(),
        "older_s": older_s,
        "over_s": over_s,
    }
    connection = place.connection
    await connection.execute("set session_replication_role = replica")
    await connection.execute(_ORDERS, parameters)
    if with_carts:
        await connection.execute(_STATUSES)
        await connection.execute(_CARTS)
    await connection.execute("reset session_replication_role")
