"""What becomes of an installation's deliveries when it is disabled, enabled or uninstalled.

Each statement goes again until it finds nothing more: a delivery that a worker settled or promoted meanwhile is met as
it is then. Run them in a transaction with the change of the installation.
"""

from typing import Any, Final

from psycopg import AsyncConnection, sql

from pideai_host.db.sql import load, query
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.rows import require_row

_PASSES_MAX: Final = 10

_PARK: Final = query(load("pideai_host.stores", "sql/deliveries_park.sql"))
_CANCEL: Final = query(load("pideai_host.stores", "sql/deliveries_cancel.sql"))
_RESUME_CONFIG: Final = query(load("pideai_host.stores", "sql/deliveries_config.sql"))
_RESUME: Final = query(load("pideai_host.stores", "sql/deliveries_resume.sql"))


async def park(connection: AsyncConnection[Any], installation: StoredInstallation) -> int:
    """Take what is queued or waiting out of its lane until the installation is enabled again; return how many."""
    return await _until_nothing(connection, _PARK, installation)


async def cancel(connection: AsyncConnection[Any], installation: StoredInstallation) -> int:
    """Cancel what is queued, waiting or parked, for good; return how many."""
    return await _until_nothing(connection, _CANCEL, installation)


async def resume(connection: AsyncConnection[Any], installation: StoredInstallation) -> int:
    """Make due what `park` parked, for a worker to promote; return how many."""
    return (await connection.execute(_RESUME, _values(installation))).rowcount


async def resume_config(connection: AsyncConnection[Any], installation: StoredInstallation) -> int:
    """Make due what waits for the configuration to be brought up; return how many."""
    return (await connection.execute(_RESUME_CONFIG, _values(installation))).rowcount


async def _until_nothing(connection: AsyncConnection[Any], statement: sql.SQL, installation: StoredInstallation) -> int:
    total = 0
    for _ in range(_PASSES_MAX):
        met, changed = require_row(
            await (await connection.execute(statement, _values(installation))).fetchone(), "deliveries"
        )
        total += changed
        if met == 0:
            break
    return total


def _values(installation: StoredInstallation) -> dict[str, Any]:
    return {"id": installation.id, "store_id": installation.store_id}
