"""What tests of row security share."""

import asyncio

import psycopg
import pytest
from tests.security.database_of_two import (
    FUNCTIONS,
    OPEN_SCHEMA,
    OTHER_OWNER,
    OWNER,
    RELATIONS,
    Database,
    Relation,
    keep_something,
)

from pideai_host.db.dev import apply_dev_base, create_demo_store
from pideai_host.db.plugin_ledger import PluginLedger
from pideai_host.plugins.registry import load_registry
from pideai_host.stores.catalogue import sync_catalogue


@pytest.fixture(scope="module")
def before(pg) -> frozenset[tuple[str, str]]:
    """Name what is in public before the host comes: relations and functions of Supabase and the shop."""

    async def names() -> frozenset[tuple[str, str]]:
        async with await psycopg.AsyncConnection.connect(made.admin_url, autocommit=True) as connection:
            await apply_dev_base(connection)
            found = [
                (row[0], row[1])
                for statement in (RELATIONS, FUNCTIONS)
                for row in await (await connection.execute(statement)).fetchall()
            ]
        return frozenset(found)

    made = pg.create("template0")
    try:
        return asyncio.run(names())
    finally:
        pg.drop(made)


@pytest.fixture
async def database_of_two(database, admin_conn, before) -> Database:
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        PluginLedger(owner).apply(OPEN_SCHEMA)
    await sync_catalogue(admin_conn, load_registry(frozenset({"whatsapp", "webhook-bridge"})).definitions.values())
    stores = {}
    for owner_id, subdomain in ((OWNER, "la-esquina"), (OTHER_OWNER, "otra-esquina")):
        store_id = await create_demo_store(admin_conn, owner_id=owner_id, subdomain=subdomain, name=subdomain)
        await keep_something(admin_conn, store_id)
        stores[owner_id] = store_id
    await admin_conn.execute("update public.plugins set is_active = false where slug = 'webhook-bridge'")
    relations = await (await admin_conn.execute(RELATIONS)).fetchall()
    functions = await (await admin_conn.execute(FUNCTIONS)).fetchall()
    return Database(
        admin_conn,
        stores,
        [Relation(*row) for row in relations if row[0] != "public" or (row[0], row[1]) not in before],
        [row for row in functions if row[0] != "public" or (row[0], row[1]) not in before],
    )
