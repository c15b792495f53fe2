"""What is parked for its installation although that can go on since: it is made due at once.

A worker finds an installation disabled, or its breaker open, and writes so a moment later. Whoever enables or closes it
in between looks for parked deliveries and would not find this one.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

from pideai_host.db.sql import load, query
from pideai_host.events.settlement import Settlement

PARKED_FOR_IT: Final = frozenset({"disabled", "breaker"})
"""Reasons that are the installation's."""

_RELEASED: Final = query(load("pideai_host.events", "sql/released.sql"))


async def make_released_due(connection: AsyncConnection[Any], batch: Sequence[Settlement]) -> Sequence[Settlement]:
    """Return a batch in which nothing is parked for an installation that can go on.

    To be called in the transaction that writes the batch: its locks hold to the end of it.
    """
    parameters = {
        name: list({one.installation_id for one in batch if one.park_reason == reason})
        for name, reason in (("disabled", "disabled"), ("broken", "breaker"))
    }
    found = {tuple(row) for row in await (await connection.execute(_RELEASED, parameters)).fetchall()}
    return [
        msgspec.structs.replace(one, delay_s=0.0) if (one.park_reason, one.installation_id) in found else one
        for one in batch
    ]
