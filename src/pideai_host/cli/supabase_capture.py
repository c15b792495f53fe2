"""`pideai-host supabase capture`: the triggers that write changes of the shop's tables in their own transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import psycopg
import rich_click as click
from psycopg import AsyncConnection, errors
from psycopg.rows import TupleRow

from pideai_host.api import ConfigurationError
from pideai_host.cli.session import load_settings, operator, running_database
from pideai_host.db.faults import unavailable
from pideai_host.db.urls import conninfo
from pideai_host.events import triggers
from pideai_host.settings import Settings

Doing = Callable[[AsyncConnection[TupleRow], str], Awaitable[None]]

_tables = click.argument("tables", nargs=-1, required=True, type=click.Choice(sorted(triggers.COLUMNS)))


@click.group()
def capture() -> None:
    """Capture changes of the shop's tables in the transaction that makes them; as the owner, by ADMIN_DATABASE_URL."""


@capture.command()
@_tables
def enable(*, tables: tuple[str, ...]) -> None:
    """Put our triggers on TABLES, or bring them up to date. Needs the table's lock for a moment, and gives way."""
    _do(tables, triggers.enable)


@capture.command()
@_tables
def disable(*, tables: tuple[str, ...]) -> None:
    """Take our triggers off TABLES; what they captured is still delivered."""
    _do(tables, triggers.disable)


@capture.command()
def status() -> None:
    """Show which tables are captured, and how many changes no worker took in yet."""
    _do(sorted(triggers.COLUMNS), _nothing)


def _do(tables: Sequence[str], doing: Doing) -> None:
    with operator(), running_database(load_settings()) as settings:
        for state in asyncio.run(_each(settings, tables, doing)):
            print(_line(state))


async def _each(settings: Settings, tables: Sequence[str], doing: Doing) -> list[triggers.CaptureState]:
    told = conninfo(
        settings.admin_database_url or "",
        variable=settings.admin_database_variable,
        name="pideai-host supabase capture",
    )
    try:
        async with await AsyncConnection.connect(told, autocommit=True) as connection:
            for table in tables:
                await doing(connection, table)
            return [await triggers.state(connection, table) for table in tables]
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"this role may not do that: {error.diag.message_primary}",
            hint="Set ADMIN_DATABASE_URL to the URL of the database's owner (on Supabase: user postgres).",
        ) from error
    except psycopg.OperationalError as error:
        raise unavailable(told, error) from error


async def _nothing(_connection: AsyncConnection[TupleRow], _table: str) -> None:
    """Only look."""


def _line(state: triggers.CaptureState) -> str:
    waiting = f"{triggers.COUNTED_MAX} or more" if state.waiting >= triggers.COUNTED_MAX else str(state.waiting)
    age = "" if state.oldest is None else f", the oldest for {state.oldest.total_seconds():.0f} s"
    return f"{state.table}: {state.word}, {waiting} waiting{age}"
