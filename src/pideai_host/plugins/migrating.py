"""Plugins' own migrations, applied by the owner, listed and taken back; whoever only looks uses `migrations`."""

import msgspec

from pideai_host.api import PluginFault
from pideai_host.db.ledger import Witness
from pideai_host.db.migrate import VARIABLE, MigrationState, owner_connection
from pideai_host.db.plugin_files import PluginMigrations
from pideai_host.db.plugin_ledger import PluginLedger
from pideai_host.plugins.contributed import contributed
from pideai_host.plugins.migrations import fault_of, migrations_of, read_migrations
from pideai_host.plugins.registry import Registry


class Applied(msgspec.Struct, frozen=True):
    """What one run did for one plugin: what was applied now, and what stopped it, if anything did."""

    slug: str
    names: tuple[str, ...] = ()
    fault: PluginFault | None = None


def migrate_plugins(
    url: str, registry: Registry, *, variable: str = VARIABLE, witness: Witness | None = None
) -> list[Applied]:
    """Apply what is not applied yet, plugin by plugin; blocks. The host's own migrations come first.

    Args:
        url: The owner's.
        registry: The loaded plugins.
        variable: What messages call the URL.
        witness: Told of each file, in its transaction.

    Returns:
        What was done for each plugin with migrations, in the order of the catalogue.

    Raises:
        ConfigurationError, DatabaseUnavailable: there is no database to do it in.
    """
    read = read_migrations(registry)
    refused = [Applied(slug, fault=fault_of(slug, error)) for slug, error in read.faults.items()]
    if not read.found:
        return refused
    with owner_connection(url, variable) as connection:
        ledger = PluginLedger(connection, witness)
        with ledger.lock():
            return [*refused, *(_applied(ledger, one) for one in read.found)]


def roll_back_plugin(
    url: str, registry: Registry, slug: str, count: int, *, variable: str = VARIABLE, witness: Witness | None = None
) -> list[str]:
    """Take back the newest `count` migrations of a plugin, with their data; return their names.

    Raises:
        PluginFault: it has none, or one cannot be taken back.
        ConfigurationError, DatabaseUnavailable: there is no database to do it in.
    """
    wanted = _wanted(registry, slug)
    with owner_connection(url, variable) as connection:
        ledger = PluginLedger(connection, witness)
        with ledger.lock():
            return ledger.roll_back(wanted, count)


def plugin_states(url: str, registry: Registry, *, variable: str = VARIABLE) -> dict[str, list[MigrationState]]:
    """List the migrations of each plugin that has some, and when each was applied; changes nothing.

    Raises:
        ConfigurationError, DatabaseUnavailable: there is no database to look at.
    """
    read = read_migrations(registry)
    if not read.found:
        return {}
    with owner_connection(url, variable) as connection:
        ledger = PluginLedger(connection)
        return {one.slug: ledger.states(one) for one in read.found}


def _applied(ledger: PluginLedger, wanted: PluginMigrations) -> Applied:
    try:
        return Applied(wanted.slug, tuple(ledger.apply(wanted)))
    except PluginFault as fault:
        return Applied(wanted.slug, fault=fault)


def _wanted(registry: Registry, slug: str) -> PluginMigrations:
    hook = registry.hook(slug, "migrations")
    if hook is None:
        raise PluginFault(f"{slug}: no such plugin is loaded, or it has no migrations", slug=slug)
    try:
        return migrations_of(hook, contributed(hook))
    except Exception as error:
        raise fault_of(slug, error) from error
