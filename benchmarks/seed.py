"""Backlogs as intake leaves them, made in bulk: the ids are the ones that intake would have made.

Other ids would not do: the host's sweep would find the orders of a backlog without their events.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks import orders
from benchmarks.fill.orders import place_orders
from benchmarks.places import Place, Target
from pideai_host.api import EventType
from pideai_host.db.sql import load, query
from pideai_host.events import sources
from pideai_host.events.identity import delivery_id, event_id
from pideai_host.events.share import SHARE

_STAGE: Final = query(load("benchmarks", "sql/stage.sql"))
_BACKLOG: Final = query(load("benchmarks", "sql/host_seed.sql"))

Staged = tuple[int, UUID, UUID, UUID, UUID, UUID, bool]


async def stage(connection: AsyncConnection[TupleRow], targets: Sequence[Target], count: int) -> None:
    """Fill the temporary table `fresh` with the ids of so many new orders, one target after the other in turn.

    Each says as well whether its store has its share of the main lane already, which intake would see.
    """
    await connection.execute("drop table if exists pg_temp.fresh")
    await connection.execute(_STAGE)
    async with connection.cursor() as cursor, cursor.copy("copy fresh from stdin") as copy:
        for row in _staged(targets, count):
            await copy.write_row(row)
    await connection.execute("analyze fresh")


def _staged(targets: Sequence[Target], count: int) -> Iterator[Staged]:
    for n in range(count):
        order, target = uuid4(), targets[n % len(targets)]
        event = event_id(sources.ORDERS, str(order), EventType.ORDER_CREATED)
        delivery = delivery_id(event, target.installation_id)
        yield n, order, event, delivery, target.store_id, target.installation_id, n // len(targets) >= SHARE


async def backlog(place: Place, count: int, *, complete: bool) -> None:
    """Leave so many deliveries ready in the bridge's lanes.

    Args:
        place: Where; its targets take turns.
        count: How many.
        complete: Whether the payloads have their items; otherwise those lie in the shop's tables.
    """
    connection = place.connection
    await stage(connection, place.targets, count)
    payload = orders.created_payload(place.targets[0].store_id, with_items=complete)
    await connection.execute(_BACKLOG, {"payload": payload, "complete": complete})
    if not complete:
        await place_orders(place)
    await place.vacuum()
