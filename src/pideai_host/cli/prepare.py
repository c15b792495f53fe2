"""What `pideai-host serve` and `pideai-host worker` begin with: a database that has what this version needs."""

import asyncio

import psycopg

from pideai_host.cli.plugins_sync import bring_up_to_date
from pideai_host.db.embedded import ensure_runtime_login
from pideai_host.plugins.registry import Registry, load_registry
from pideai_host.settings import Settings


def prepare(settings: Settings) -> None:
    """Bring our own server up to date; an operator's database is only told what plugins there are."""
    registry = load_registry(settings.plugins)
    if settings.embedded:
        _migrate(settings.admin_database_url or "", registry)
    asyncio.run(bring_up_to_date(settings, registry))


def _migrate(url: str, registry: Registry) -> None:
    from pideai_host.db.migrate import migrate  # noqa: PLC0415 - 60 ms for what an operator's database never needs
    from pideai_host.plugins.migrating import migrate_plugins  # noqa: PLC0415 - the same

    asyncio.run(_apply_base(url))
    migrate(url, install_pgmq=True)
    ensure_runtime_login(url)
    migrate_plugins(url, registry)  # what fails is logged, and its plugin refused by the processes


async def _apply_base(url: str) -> None:
    from pideai_host.db.dev import apply_dev_base  # noqa: PLC0415 - the same

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await apply_dev_base(connection)
