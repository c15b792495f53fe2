"""Stores, each with installations of some plugins: the bridge's are measured, the others' stand beside them."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks.harness import Bench
from benchmarks.places import Place, Target
from benchmarks.ready import BRIDGE
from pideai_host.db.sql import load, query

_STORES: Final = query(load("benchmarks", "sql/fill_stores.sql"))
_INSTALL_BRIDGE: Final = query(load("benchmarks", "sql/fill_install_bridge.sql"))
_INSTALL: Final = query(load("benchmarks", "sql/fill_install.sql"))


async def add_stores(bench: Bench, place: Place, count: int, *, url: str | None = None) -> list[Target]:
    """Make stores that have the bridge, its webhooks going to our receiver or to another URL."""
    async with place.connection.transaction():
        stores = [row[0] for row in await (await place.connection.execute(_STORES, {"count": count})).fetchall()]
        return await _install_bridge(bench, place.connection, stores, url or bench.sink_url)


async def _install_bridge(
    bench: Bench, connection: AsyncConnection[TupleRow], stores: Iterable[UUID], url: str
) -> list[Target]:
    sealed = [
        {"store_id": store_id, "sealed": bench.sealer.seal(bench.hook_secret, store_id, BRIDGE, "webhook_secret")}
        for store_id in stores
    ]
    parameters = {"slug": BRIDGE, "url": url, "stores": msgspec.json.encode(sealed).decode()}
    rows = await (await connection.execute(_INSTALL_BRIDGE, parameters)).fetchall()
    return [Target(*row) for row in rows]


async def install(place: Place, slugs: Iterable[str], targets: Iterable[Target]) -> None:
    """Have stores install plugins that need no configuration and are in the catalogue."""
    parameters = {"slugs": list(slugs), "stores": [target.store_id for target in targets]}
    await place.connection.execute(_INSTALL, parameters)
