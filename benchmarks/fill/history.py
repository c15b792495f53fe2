"""History: deliveries of the last weeks, all dealt with, each with its event."""

from collections.abc import Sequence
from typing import Final

from psycopg import sql

from benchmarks import orders
from benchmarks.places import Place, Target
from benchmarks.seed import stage
from pideai_host.db.sql import load, query

WEEKS: Final = 12
"""How far back it goes: all of it younger than the retention."""
CHUNK: Final = 100_000

_PARTITIONS: Final = query(load("benchmarks", "sql/fill_partitions.sql"))
_HISTORY: Final = query(load("benchmarks", "sql/fill_history.sql"))


async def add_history(place: Place, count: int, targets: Sequence[Target]) -> None:
    """Write so many events and deliveries, spread evenly over `WEEKS`, the targets taking turns.

    Their ids are remembered, all of them as if they were younger than the 14 days after which ids are forgotten: more
    than life would have.
    """
    connection = place.connection
    await connection.execute(_PARTITIONS.format(weeks=sql.Literal(WEEKS)))
    payload = orders.created_payload(targets[0].store_id, with_items=True)
    for start in range(0, count, CHUNK):
        some = min(CHUNK, count - start)
        await stage(connection, targets, some)
        parameters = {"payload": payload, "start": start, "total": count, "weeks": WEEKS}
        await connection.execute(_HISTORY, parameters)
