"""The plugin's own schema, and a context of a store that notes what is emitted."""

from importlib.resources import files
from typing import Any
from uuid import UUID, uuid5

import pytest

from pideai_host.stores.database import PluginDatabase

MIGRATIONS = files("pideai_whatsapp.migrations")


@pytest.fixture(autouse=True)
async def own_schema(admin_conn):
    """Apply the plugin's migrations as the host does."""
    await admin_conn.execute("create schema if not exists pideai_whatsapp")
    for name in sorted(one.name for one in MIGRATIONS.iterdir() if one.name.endswith(".sql")):
        await admin_conn.execute(MIGRATIONS.joinpath(name).read_text("utf-8"))
    await admin_conn.execute(
        """do $$ declare t text; begin
        grant usage on schema pideai_whatsapp to pideai_host;
        grant all on all tables in schema pideai_whatsapp to pideai_host;
        for t in select tablename from pg_tables where schemaname = 'pideai_whatsapp' loop
          execute format('drop policy if exists pideai_host_all on pideai_whatsapp.%I', t);
          execute format('create policy pideai_host_all on pideai_whatsapp.%I to pideai_host using (true)', t);
        end loop; end $$"""
    )


class StoreContext:
    """The parts of a context that need no plugin to be loaded."""

    def __init__(self, pool: Any, store_id: UUID) -> None:
        self.db = PluginDatabase(pool)
        self.store_id = store_id
        self.emitted: list[tuple[str, dict[str, Any], str, bool]] = []

    def emit(self, event_type, payload, *, key, bulk=False):
        self.emitted.append((event_type, payload, key, bulk))
        return uuid5(self.store_id, key)


@pytest.fixture
def context(pool, shop):
    return StoreContext(pool, shop.store_id)
