"""What can be installed: the table `public.plugins`, read by everybody, written from the loaded plugins."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.rows import class_row

from pideai_host.api import PluginDefinition, PluginFault, PluginType, slug_fault
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.plugins.lanes import bulk_lane, main_lane
from pideai_host.stores.audit import Action, Line, record

PRICING_MODELS: Final = ("free", "paid", "per_use")

_SELECT: Final = query(load("pideai_host.stores", "sql/catalogue.sql"))
_ACTIVE: Final = _SELECT.format(which=sql.SQL("is_active"))
_ONE: Final = _SELECT.format(which=sql.SQL("slug = %(slug)s"))
_SYNC: Final = query(load("pideai_host.stores", "sql/catalogue_sync.sql"))
_ALONE: Final = "select pg_advisory_xact_lock(hashtextextended('pideai_host.catalogue', 0))"


class CatalogueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin of the catalogue.

    Attributes:
        is_active: Whether it can be installed.
        required_events: Types that make a delivery.
        module: Plan module that a store needs, or None.
        ordered: Whether events of one entity come one after the other, unless an installation wants it otherwise.
    """

    id: UUID
    slug: str
    name: str
    description: str | None
    type: str
    version: str | None
    icon_url: str | None
    is_internal: bool
    is_active: bool
    config_schema: dict[str, Any]
    required_events: list[str]
    pricing_model: str
    config_version: int
    module: str | None
    ordered: bool = False


class Catalogue:
    """The catalogue, for reading."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list_active(self) -> list[CatalogueEntry]:
        """Return what can be installed, by slug."""
        return await self._read(_ACTIVE, {})

    async def find(self, slug: str) -> CatalogueEntry | None:
        """Return a plugin, be it active or not, or None."""
        found = await self._read(_ONE, {"slug": slug})
        return found[0] if found else None

    async def _read(self, statement: sql.Composed, values: dict[str, Any]) -> list[CatalogueEntry]:
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(CatalogueEntry)) as rows,
        ):
            await rows.execute(statement, values)
            return await rows.fetchall()


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync did.

    Attributes:
        added: Slugs that are new to the catalogue.
        updated: Slugs that declare something else than before.
        unchanged: Slugs that were left as they are.
        lanes: All lanes that the loaded plugins have now.
        partitions: How many partitions were made.
    """

    added: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]
    lanes: tuple[str, ...]
    partitions: int


async def sync_catalogue(connection: AsyncConnection[Any], definitions: Iterable[PluginDefinition]) -> SyncReport:
    """Bring catalogue, lanes and partitions up to what is loaded, in one transaction. Idempotent.

    Args:
        connection: The owner's, since only the owner makes lanes.
        definitions: The loaded plugins'. Rows of other plugins are left alone.

    Raises:
        PluginFault: a definition that the catalogue cannot hold; nothing is written.
    """
    declared = {definition.slug: definition for definition in definitions}
    for definition in declared.values():
        _require_fit(definition)
    rows = msgspec.json.encode([_row(definition) for definition in declared.values()]).decode()
    lanes = [lane for slug in sorted(declared) for lane in (main_lane(slug), bulk_lane(slug))]
    async with connection.transaction():
        await connection.execute(_ALONE)  # two hosts that start at once would make the same lane twice
        written = dict(await (await connection.execute(_SYNC, {"definitions": rows})).fetchall())
        if written:
            detail = {"added": sorted(slug for slug, is_new in written.items() if is_new), "written": sorted(written)}
            await record(connection, None, [Line(action=Action.CATALOGUE_SYNCED, detail=detail)])
        await connection.execute(
            "select pideai_host.ensure_lane(lane) from unnest(%(lanes)s::text[]) as lane", {"lanes": lanes}
        )
        made = await (await connection.execute("select pideai_host.ensure_partitions()")).fetchone()
    return SyncReport(
        added=tuple(sorted(slug for slug, is_new in written.items() if is_new)),
        updated=tuple(sorted(slug for slug, is_new in written.items() if not is_new)),
        unchanged=tuple(sorted(set(declared) - set(written))),
        lanes=tuple(lanes),
        partitions=made[0] if made else 0,
    )


def _require_fit(definition: PluginDefinition) -> None:
    slug = definition.slug
    fault = slug_fault(slug)
    if fault is not None:
        raise PluginFault(fault, slug=slug)
    if definition.type not in set(PluginType):
        raise PluginFault(f"{slug}: type {definition.type!r} is none of {', '.join(PluginType)}", slug=slug)
    if definition.pricing_model not in PRICING_MODELS:
        raise PluginFault(
            f"{slug}: pricing_model {definition.pricing_model!r} is none of {', '.join(PRICING_MODELS)}", slug=slug
        )


def _row(definition: PluginDefinition) -> dict[str, Any]:
    return {
        "slug": definition.slug,
        "name": definition.name,
        "description": definition.description,
        "type": definition.type,
        "version": definition.version,
        "icon_url": definition.icon_url,
        "config_schema": definition.config_schema,
        "required_events": definition.subscribed_events,
        "pricing_model": definition.pricing_model,
        "config_version": definition.config_version,
        "module": definition.module,
        "ordered": definition.ordered,
    }
