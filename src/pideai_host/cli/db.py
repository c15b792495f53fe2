"""`pideai-host db`: a database for development."""

import asyncio

import psycopg
import rich_click as click

from pideai_host.cli.session import load_settings, running_database
from pideai_host.db.dev import apply_dev_base
from pideai_host.db.faults import unavailable
from pideai_host.db.urls import conninfo


@click.group()
def db() -> None:
    """Prepare a database for development."""


@db.command()
def base() -> None:
    """Bring what Supabase and PideAI bring in production: roles, tables, functions. Refuses a real project.

    `pideai-host migrate` comes next.
    """
    with running_database(load_settings()) as settings:
        asyncio.run(_apply_base(settings.admin_database_url or ""))
    print("The development base is in place.")


async def _apply_base(url: str) -> None:
    told = conninfo(url, variable="ADMIN_DATABASE_URL", name="pideai-host db base")
    try:
        connection = await psycopg.AsyncConnection.connect(told, autocommit=True)
    except psycopg.Error as error:
        raise unavailable(told, error) from error
    async with connection:
        await apply_dev_base(connection)
