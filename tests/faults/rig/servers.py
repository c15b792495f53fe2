"""PostgreSQL servers of a test's own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from pideai_host.db.dev import apply_dev_base
from pideai_host.db.embedded import EmbeddedServer
from pideai_host.db.embedded.server import ensure_runtime_login
from pideai_host.db.migrate import migrate


@contextmanager
def durable_server(folder: Path, **options: str) -> Iterator[EmbeddedServer]:
    """Run a server that keeps its promises when it crashes; only a power cut could take something from it."""
    with EmbeddedServer(folder, options={"fsync": "off", **options}) as server:
        asyncio.run(_apply(server.urls.admin))
        migrate(server.urls.admin, install_pgmq=True)
        ensure_runtime_login(server.urls.admin)
        yield server


async def _apply(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await apply_dev_base(connection)
