"""Parked deliveries: most wait for their next attempt, some for a breaker to close, some for their installation."""

from collections.abc import Sequence
from typing import Final

from benchmarks import orders
from benchmarks.places import Place, Target
from benchmarks.seed import stage
from pideai_host.db.sql import load, query

SHARES: Final = {"retry": 14, "breaker": 3, "disabled": 3}
"""Of twenty."""

_PARKED: Final = query(load("benchmarks", "sql/fill_parked.sql"))
_OPEN: Final = query(load("benchmarks", "sql/fill_breakers.sql"))
_DISABLE: Final = "update public.store_plugins set enabled = false where id = any (%(ids)s)"


async def add_parked(place: Place, count: int, targets: Sequence[Target]) -> None:
    """Park so many deliveries of the last two days; each target has one reason, and what goes with it.

    None is due while a benchmark runs.

    Args:
        place: Where.
        count: How many in all.
        targets: At least three, none of them measured.
    """
    payload = orders.created_payload(targets[0].store_id, with_items=True)
    for place_of, (reason, share) in enumerate(SHARES.items()):
        some = targets[place_of :: len(SHARES)]
        ids = [target.installation_id for target in some]
        await stage(place.connection, some, count * share // sum(SHARES.values()))
        await place.connection.execute(_PARKED, {"payload": payload, "reason": reason})
        if reason == "breaker":
            await place.connection.execute(_OPEN, {"ids": ids})
        elif reason == "disabled":
            await place.connection.execute(_DISABLE, {"ids": ids})
