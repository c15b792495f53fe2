"""`pideai-host plugins sync`: the catalogue, the lanes and the partitions, brought up to what is loaded."""

import asyncio

import psycopg
import rich_click as click
from psycopg import errors

from pideai_host.api import ConfigurationError
from pideai_host.cli.session import load_settings, operator, running_database
from pideai_host.db.faults import unavailable
from pideai_host.db.urls import conninfo
from pideai_host.plugins.registry import Registry, load_registry
from pideai_host.settings import Settings
from pideai_host.stores.catalogue import SyncReport, sync_catalogue
from pideai_host.telemetry import get_logger

_log = get_logger(__name__)


@click.command()
def sync() -> None:
    """Bring the catalogue up to the installed plugins, and make their lanes; as the owner, by ADMIN_DATABASE_URL."""
    with operator(), running_database(load_settings(is_quiet=True)) as settings:
        report = asyncio.run(sync_plugins(settings, load_registry(settings.plugins)))
    print(
        f"Added: {_listed(report.added)}. Updated: {_listed(report.updated)}. Unchanged: {_listed(report.unchanged)}."
    )
    print(f"Lanes: {_listed(report.lanes)}. Partitions made: {report.partitions}.")


async def sync_plugins(settings: Settings, registry: Registry) -> SyncReport:
    """Sync as the owner.

    Raises:
        ConfigurationError: the role may not make lanes, or the tables are missing.
        DatabaseUnavailable: the database does not answer.
    """
    told = conninfo(
        settings.admin_database_url or "", variable=settings.admin_database_variable, name="pideai-host plugins sync"
    )
    try:
        async with await psycopg.AsyncConnection.connect(told, autocommit=True) as connection:
            return await sync_catalogue(connection, registry.definitions.values())
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"this role may not make lanes: {error.diag.message_primary}",
            hint="Run `pideai-host plugins sync` with ADMIN_DATABASE_URL, the owner's.",
        ) from error
    except (errors.UndefinedTable, errors.UndefinedFunction, errors.InvalidSchemaName) as error:
        raise ConfigurationError(
            f"the database lacks the host's tables: {error.diag.message_primary}",
            hint="Run `pideai-host migrate` first.",
        ) from error
    except psycopg.OperationalError as error:
        raise unavailable(told, error) from error


async def bring_up_to_date(settings: Settings, registry: Registry) -> None:
    """Sync at the start of a process; where only the runtime role is known, go on with what an operator synced."""
    try:
        await sync_plugins(settings, registry)
    except ConfigurationError as error:
        if not isinstance(error.__cause__, errors.InsufficientPrivilege):
            raise
        _log.warning("catalogue_not_synced", reason=error.message, hint=error.hint)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
