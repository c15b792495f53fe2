"""`pideai-host db`: a database for development."""

import asyncio

import psycopg
import rich_click as click
from psycopg import errors

from pideai_host.api import ConfigurationError
from pideai_host.cli.session import load_settings, running_database
from pideai_host.db.dev import apply_dev_base
from pideai_host.db.faults import unavailable
from pideai_host.db.urls import conninfo
from pideai_host.settings import Settings


@click.group()
def db() -> None:
    """Prepare a database for development."""


@db.command()
def base() -> None:
    """Bring what Supabase and PideAI bring in production: roles, tables, functions. Refuses a real project.

    `pideai-host migrate` comes next.
    """
    with running_database(load_settings(), may_make=True) as settings:
        asyncio.run(_apply_base(settings))
    print("The development base is in place.")


async def _apply_base(settings: Settings) -> None:
    told = conninfo(
        settings.admin_database_url or "", variable=settings.admin_database_variable, name="pideai-host db base"
    )
    try:
        connection = await psycopg.AsyncConnection.connect(told, autocommit=True)
    except psycopg.Error as error:
        raise unavailable(told, error) from error
    async with connection:
        try:
            await apply_dev_base(connection)
        except errors.InsufficientPrivilege as error:
            raise ConfigurationError(
                f"this role may not make the development base: {error.diag.message_primary}",
                hint="Run it as a superuser of a database for development, by ADMIN_DATABASE_URL.",
            ) from error
