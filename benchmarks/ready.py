"""The databases as they are before the first event: the host's, with a store that has the bridge, and the bare one."""

import asyncio
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks.places import Target, connect
from pideai_host.db import pgmq
from pideai_host.db.dev import apply_dev_base, create_demo_store
from pideai_host.db.embedded import ServerUrls, ensure_runtime_login
from pideai_host.db.migrate import migrate
from pideai_host.db.sql import load, query
from pideai_host.plugins.migrating import migrate_plugins
from pideai_host.plugins.registry import load_registry
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.stores.secrets import Sealer

PLUGINS: Final = "whatsapp,webhook-bridge"
BRIDGE: Final = "webhook-bridge"


async def make_ready(urls: ServerUrls, sealer: Sealer, hook_url: str, hook_secret: str) -> Target:
    """Make the database that all of the host's are copies of."""
    async with await connect(urls.admin) as connection:
        await apply_dev_base(connection)
        await asyncio.to_thread(migrate, urls.admin, install_pgmq=True)
        await asyncio.to_thread(ensure_runtime_login, urls.admin)
        await asyncio.to_thread(migrate_plugins, urls.admin, load_registry(frozenset(PLUGINS.split(","))))
        return await _make_store(connection, sealer, hook_url, hook_secret)


async def make_bare(admin_url: str) -> str:
    """Make the bare pipeline's database; answers its URL."""
    async with await connect(admin_url) as connection:
        await connection.execute("create database bare")
    url = urlsplit(admin_url)._replace(path="/bare").geturl()
    with psycopg.connect(url, autocommit=True) as connection:
        pgmq.ensure(connection, install=True)
        connection.execute(query(load("benchmarks", "sql/bare.sql")))
    return url


async def _make_store(connection: AsyncConnection[TupleRow], sealer: Sealer, hook_url: str, hook_secret: str) -> Target:
    """Make a store that has the bridge installed, as the API would leave it."""
    store_id = await create_demo_store(connection, owner_id=uuid4(), subdomain="arepera-bench", name="Arepera")
    definitions = load_registry(frozenset(PLUGINS.split(","))).definitions
    await sync_catalogue(connection, definitions.values())
    sealed = sealer.seal(hook_secret, store_id, BRIDGE, "webhook_secret")
    cursor = await connection.execute(
        """insert into public.store_plugins (store_id, plugin_id, webhook_url, webhook_secret)
        select %s, id, %s, %s from public.plugins where slug = %s returning id""",
        (store_id, hook_url, sealed, BRIDGE),
    )
    row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("the catalogue lacks the bridge: run through `uv run`")
    return Target(store_id, row[0])
