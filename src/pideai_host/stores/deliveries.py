"""What becomes of an installation's deliveries when it is disabled, enabled or uninstalled.

What a worker has claimed is left to it: its call may be under way, and an outcome that is thrown away would be a call
made twice. If it is to be tried again, it is parked or cancelled when it is claimed next. What waits goes before what
is queued: a delivery that is promoted between the two is then met in its lane. Run them in a transaction with the
change of the installation.
"""

from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from pideai_host.db.sql import load, query
from pideai_host.plugins.lanes import bulk_lane, main_lane
from pideai_host.stores.installations import StoredInstallation


class _Statements(msgspec.Struct, frozen=True):
    """One for what waits, and one for what is queued in a lane whose table it names."""

    waiting: sql.SQL
    queued: sql.SQL


def _statements(verb: str) -> _Statements:
    return _Statements(
        *(query(load("pideai_host.stores", f"sql/deliveries_{verb}_{what}.sql")) for what in ("waiting", "queued"))
    )


_PARK: Final = _statements("park")
_CANCEL: Final = _statements("cancel")
_RESUME_CONFIG: Final = query(load("pideai_host.stores", "sql/deliveries_config.sql"))
_RESUME: Final = query(load("pideai_host.stores", "sql/deliveries_resume.sql"))
_EXISTS: Final = query("select to_regclass(%(table)s) is not null")


async def park(connection: AsyncConnection[Any], installation: StoredInstallation) -> int:
    """Take what is queued or waiting out of its lane until the installation is enabled again; return how many."""
    return await _take_back(connection, _PARK, installation)


async def cancel(connection: AsyncConnection[Any], installation: StoredInstallation) -> int:
    """Cancel what is queued, waiting or parked, for good; return how many."""
    return await _take_back(connection, _CANCEL, installation)


async def resume(connection: AsyncConnection[Any], installation: StoredInstallation) -> int:
    """Make due what `park` parked, for a worker to promote; return how many."""
    return (await connection.execute(_RESUME, _values(installation))).rowcount


async def resume_config(connection: AsyncConnection[Any], installation: StoredInstallation) -> int:
    """Make due what waits for the configuration to be brought up; return how many."""
    return (await connection.execute(_RESUME_CONFIG, _values(installation))).rowcount


async def _take_back(
    connection: AsyncConnection[Any], statements: _Statements, installation: StoredInstallation
) -> int:
    values = _values(installation)
    total = (await connection.execute(statements.waiting, values)).rowcount
    for lane in (main_lane(installation.slug), bulk_lane(installation.slug)):
        found = await (await connection.execute(_EXISTS, {"table": f"pgmq.q_{lane}"})).fetchone()
        if found is not None and found[0]:
            statement = statements.queued.format(queue=sql.Identifier("pgmq", f"q_{lane}"))
            total += (await connection.execute(statement, {**values, "lane": lane})).rowcount
    return total


def _values(installation: StoredInstallation) -> dict[str, Any]:
    return {"id": installation.id, "store_id": installation.store_id}
