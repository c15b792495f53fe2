"""`pideai-host credits`: what stores can spend on plugins, and giving them more."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import rich_click as click
from psycopg import errors
from rich import box
from rich.console import Console
from rich.table import Table

from pideai_host.api import ConfigurationError, slug_fault
from pideai_host.cli.session import load_settings, operator, running_database
from pideai_host.db.pool import Pool, open_pool
from pideai_host.db.sql import load, query
from pideai_host.settings import Settings
from pideai_host.stores.credit_accounts import CreditAccount, CreditAccounts, LedgerEntry
from pideai_host.stores.credit_grants import CreditGrants

PIPED_WIDTH = 200
SHOWN = 20
"""Movements that `show` lists."""

Result = TypeVar("Result")

_STORE = query(load("pideai_host.stores", "sql/store_named.sql"))
_PLUGIN = query("select 1 from public.plugins where slug = %(slug)s")


def _slug(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    fault = None if value is None else slug_fault(value)
    if fault is not None:
        raise click.BadParameter(fault)
    return value


_store = click.argument("store")
_as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


@click.group()
def credits() -> None:  # noqa: A001 - the command's name
    """See what stores can spend on plugins, and give them more. STORE is a store's id or subdomain."""


@credits.command()
@_store
@click.argument("plugin", required=False, callback=_slug)
@_as_json
def show(*, store: str, plugin: str | None, as_json: bool) -> None:
    """Show a STORE's credits; for one PLUGIN also its newest movements."""

    async def read(pool: Pool, store_id: UUID) -> tuple[list[CreditAccount], list[LedgerEntry]]:
        accounts = CreditAccounts(pool)
        if plugin is None:
            return await accounts.of_store(store_id), []
        return [await accounts.of_plugin(store_id, plugin)], await accounts.ledger(store_id, plugin, limit=SHOWN)

    found, movements = _with_store(store, plugin, read)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode({"credits": found, "ledger": movements}), indent=2).decode())
        return
    _table(found, ("plugin", "monthly", "extra", "used", "available", "reserved", "renews_at"))
    if movements:
        _table(movements, ("id", "at", "movement", "credit_type", "amount", "available", "delivery_id", "reference"))


@credits.command()
@_store
@click.argument("plugin", callback=_slug)
@click.option("--monthly", type=int, metavar="COUNT", help="So many more with every month, this one included.")
@click.option("--extra", type=int, metavar="COUNT", help="So many more once, until they are spent.")
@click.option("--key", required=True, help="Names this grant: with the same key again, nothing more is given.")
@_as_json
def grant(*, store: str, plugin: str, monthly: int | None, extra: int | None, key: str, as_json: bool) -> None:
    """Give a STORE credits for a PLUGIN, or take some away with a negative COUNT."""
    if (monthly is None) == (extra is None):
        raise click.UsageError("one of --monthly and --extra is needed")

    async def give(pool: Pool, store_id: UUID) -> tuple[LedgerEntry, bool]:
        if monthly is not None:
            return await CreditGrants(pool).grant(store_id, plugin, "monthly", monthly, reference=key)
        return await CreditGrants(pool).grant(store_id, plugin, "extra", extra or 0, reference=key)

    entry, is_new = _with_store(store, plugin, give)
    if as_json:
        print(msgspec.json.encode({"entry": entry, "is_new": is_new}).decode())
        return
    told = "Granted" if is_new else "Granted before"
    print(f"{told}: {entry.granted} {entry.credit_type}. Available for {plugin} after it: {entry.available}.")


def _with_store(name: str, plugin: str | None, work: Callable[[Pool, UUID], Awaitable[Result]]) -> Result:
    with operator(), running_database(load_settings()) as settings:
        return asyncio.run(_work(settings, name, plugin, work))


async def _work(
    settings: Settings, name: str, plugin: str | None, work: Callable[[Pool, UUID], Awaitable[Result]]
) -> Result:
    async with _pool(settings) as pool:
        try:
            async with pool.connection() as connection:
                row = await (await connection.execute(_STORE, {"name": name})).fetchone()
                is_known = plugin is None or (await connection.execute(_PLUGIN, {"slug": plugin})).rowcount == 1
            if row is None:
                raise ConfigurationError(f"there is no store {name!r}", hint="Name it by its id or its subdomain.")
            if not is_known:
                raise ConfigurationError(
                    f"there is no plugin {plugin!r} in the catalogue",
                    hint="`pideai-host plugins list` names those that there are; `plugins sync` brings new ones in.",
                )
            return await work(pool, row[0])
        except (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName) as error:
            raise ConfigurationError(
                f"the database lacks the host's tables: {error.diag.message_primary}",
                hint="Run `pideai-host migrate` first.",
            ) from error


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator[Pool]:
    url, variable = settings.database_url or "", settings.database_variable
    async with open_pool(url, min_size=1, max_size=1, name="pideai-host credits", variable=variable) as pool:
        yield pool


def _table(rows: Sequence[Any], names: Sequence[str]) -> None:
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, markup=False, highlight=False, emoji=False)
    table = Table(*names, box=box.SIMPLE)
    for row in rows:
        values = [getattr(row, name) for name in names]
        table.add_row(*("" if value is None else str(value) for value in values))
    console.print(table)
