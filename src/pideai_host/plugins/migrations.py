"""Plugins' own migrations: read from their packages, and looked at by every process that starts.

A plugin whose migrations cannot be read, were refused, or are not applied yet is left out alone: its record says why.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from pideai_host.api import PluginFault
from pideai_host.db.plugin_files import MigrationFile, PluginMigrations, schema_of, waiting
from pideai_host.db.pool import Pool
from pideai_host.db.sql import query
from pideai_host.plugins.contributed import contributed
from pideai_host.plugins.records import LoadRecord, Phase, Status, describe, format_traceback
from pideai_host.plugins.registry import Hook, Registry
from pideai_host.telemetry import get_logger

FILES_MAX: Final = 1_000
HINT: Final = "run `pideai-host migrate`, then start this process again"

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_TAKEN: Final = frozenset({"pideai_host", "pideai_dev"})
_LEDGER: Final = query("select plugin, name, checksum from pideai_host.plugin_migrations where plugin = any (%s)")
_FAULTS: Final = query("select plugin, error from pideai_host.plugin_migration_faults where plugin = any (%s)")
_log: Final = get_logger(__name__)


class Read(msgspec.Struct, frozen=True):
    """The migrations of all plugins that have some, and what is wrong with those of the others."""

    found: tuple[PluginMigrations, ...]
    faults: Mapping[str, Exception]


def read_migrations(registry: Registry) -> Read:
    """Read the migrations of all loaded plugins; blocking, never raises."""
    found: list[PluginMigrations] = []
    faults: dict[str, Exception] = {}
    for hook in registry.hooks("migrations"):
        try:
            package = contributed(hook)
            if package is not None:
                found.append(migrations_of(hook, package))
        except Exception as error:  # noqa: BLE001 - whatever a plugin brings, the others' migrations are read
            faults[hook.slug] = error
    return Read(tuple(found), faults)


async def without_unmigrated(registry: Registry, pool: Pool) -> Registry:
    """Leave out the plugins whose schema is not what their code expects, for a process that starts.

    Args:
        registry: The loaded plugins.
        pool: Runtime connections.
    """
    read = await asyncio.to_thread(read_migrations, registry)
    refused = {slug: fault_of(slug, error).message for slug, error in read.faults.items()}
    if read.found:
        slugs = [one.slug for one in read.found]
        async with pool.connection() as connection:
            rows = await (await connection.execute(_LEDGER, [slugs])).fetchall()
            failed: dict[str, str] = dict(await (await connection.execute(_FAULTS, [slugs])).fetchall())
        for one in read.found:
            why = _behind(one, {name: checksum for slug, name, checksum in rows if slug == one.slug}, failed)
            if why is not None:
                refused[one.slug] = why
    for slug, why in refused.items():
        _log.error("plugin_refused", plugin=slug, phase=Phase.MIGRATIONS, error=why)
    return registry.without({slug: _note(why) for slug, why in refused.items()})


def with_migrations_tried(registry: Registry) -> Registry:
    """Note in the records which plugins' migrations cannot even be read; needs no database."""
    faults = read_migrations(registry).faults
    noted = {slug: _note(fault_of(slug, error).message, error) for slug, error in faults.items()}
    return registry.without(noted)


def _behind(one: PluginMigrations, applied: Mapping[str, str], failed: Mapping[str, str]) -> str | None:
    """Say why a plugin cannot be used with what was applied, or None."""
    try:
        left = waiting(one, applied, may_be_newer=True)
    except PluginFault as fault:
        return f"{fault.message}; {fault.hint}"
    if not left:
        return None
    if one.slug in failed:
        return f"its migrations failed: {failed[one.slug]}; mend them, {HINT}"
    return f"its migrations are behind ({', '.join(file.name for file in left[:3])}); {HINT}"


def _note(why: str, error: Exception | None = None) -> Callable[[LoadRecord], LoadRecord]:
    def note(record: LoadRecord) -> LoadRecord:
        is_theirs = error is not None and not isinstance(error, PluginFault)
        return msgspec.structs.replace(
            record,
            phase=Phase.MIGRATIONS,
            status=Status.BROKEN,
            error=why,
            traceback=format_traceback(error) if is_theirs and error is not None else None,
        )

    return note


def migrations_of(hook: Hook, package: object) -> PluginMigrations:
    """Read a plugin's migrations from the package that its hook names.

    Raises:
        PluginFault: it is no name, or the files are not what they have to be.
    """
    slug = hook.slug
    if not isinstance(package, str):
        raise PluginFault(f"{slug}: migrations returns {type(package).__name__}; return a package's name", slug=slug)
    if schema_of(slug) in _TAKEN:
        raise PluginFault(f"{slug}: schema {schema_of(slug)} is the host's own; choose another slug", slug=slug)
    try:
        folder = files(package)
    except ImportError as error:
        raise PluginFault(f"{slug}: migrations names {package}, which cannot be imported", slug=slug) from error
    undo = folder.joinpath("rollback")
    names = sorted(name.removesuffix(".sql") for name in _sql_files(folder))
    _require_names(slug, names, undo)
    return PluginMigrations(slug, tuple(MigrationFile(n, _text(folder, n), _text(undo, n)) for n in names))


def _require_names(slug: str, names: Collection[str], undo: Traversable) -> None:
    if len(names) > FILES_MAX:
        raise PluginFault(f"{slug}: {len(names)} migrations; at most {FILES_MAX}", slug=slug)
    odd = [name for name in names if _NAME.fullmatch(name) is None]
    if odd:
        raise PluginFault(f"{slug}: {odd[0]!r}.sql is no name for a migration such as 001_pickups.sql", slug=slug)
    lone = [name for name in names if not undo.joinpath(f"{name}.sql").is_file()]
    if lone:
        raise PluginFault(f"{slug}: {lone[0]}.sql has no rollback/{lone[0]}.sql that undoes it", slug=slug)


def _sql_files(folder: Traversable) -> Iterable[str]:
    return [one.name for one in folder.iterdir() if one.is_file() and one.name.endswith(".sql")]


def _text(folder: Traversable, name: str) -> str:
    return folder.joinpath(f"{name}.sql").read_text(encoding="utf-8")


def fault_of(slug: str, error: Exception) -> PluginFault:
    """Say of whatever was raised that the plugin's migrations cannot be read; a `PluginFault` says so itself."""
    if isinstance(error, PluginFault):
        return error
    return PluginFault(f"{slug}: its migrations cannot be read: {describe(error)}", slug=slug)
