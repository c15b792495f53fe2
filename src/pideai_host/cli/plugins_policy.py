"""`pideai-host plugins policy`: how one store's deliveries are made otherwise than its plugin says."""

import asyncio
import sys
from contextlib import redirect_stdout
from typing import Any
from uuid import UUID

import msgspec
import rich_click as click

from pideai_host.api import ConfigRejected, ConfigurationError, NotInstalled, PluginDefinition, PluginUnknown
from pideai_host.cli.session import load_settings, operator, running_database
from pideai_host.db.pool import open_pool
from pideai_host.plugins.registry import load_registry
from pideai_host.settings import Settings
from pideai_host.stores import audit, installations
from pideai_host.stores.audit_diff import lines_of_change
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.lock import InstallationLocks
from pideai_host.stores.policy import policy_faults, policy_of, read_override


@click.command()
@click.argument("store", type=click.UUID)
@click.argument("slug")
@click.option("--set", "wanted", metavar="JSON", help="What it wants otherwise, such as '{\"max_age_s\": 3600}'.")
@click.option("--clear", is_flag=True, help="Let the plugin's own policy hold again.")
def policy(*, store: UUID, slug: str, wanted: str | None, clear: bool) -> None:
    """Show how the deliveries of STORE's plugin SLUG are made, and what of it the store wants otherwise.

    With --set or --clear, change that first; workers follow with the next delivery. The bounds are those of the API.
    """
    if clear and wanted is not None:
        raise click.UsageError("--set and --clear exclude each other")
    change = {} if clear else None if wanted is None else _read(wanted)
    with operator(), running_database(load_settings(is_quiet=True)) as settings:
        with redirect_stdout(sys.stderr):  # what a plugin prints on import would spoil the output
            definition = load_registry(settings.plugins).definitions.get(slug)
        if definition is None:
            raise PluginUnknown(slug)
        stored = asyncio.run(_change(settings, definition, store, change))
    shown = {"policy": stored.policy, "holds": policy_of(definition, stored.policy)}
    print(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode())


def _read(wanted: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(wanted, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ConfigurationError(f"--set is no JSON object: {error}", hint="Quote it for the shell.") from error


async def _change(
    settings: Settings, definition: PluginDefinition, store_id: UUID, change: dict[str, Any] | None
) -> StoredInstallation:
    """Return the installation, changed first unless `change` is None.

    Raises:
        NotInstalled: the store does not have the plugin.
        ConfigRejected: all faults of the change at once; nothing is written.
    """
    url = settings.database_url or ""
    async with (
        open_pool(url, min_size=1, max_size=2, name="pideai-host plugins", variable=settings.database_variable) as pool,
        InstallationLocks(pool).hold(store_id, definition.slug) as connection,
    ):
        stored = await installations.find(connection, store_id, definition.slug)
        if stored is None:
            raise NotInstalled(definition.slug)
        if change is None:
            return stored
        faults = policy_faults(definition, change)
        if faults:
            raise ConfigRejected(faults)
        changed = msgspec.structs.replace(stored, policy=read_override(change))
        async with connection.transaction():
            kept = await installations.update(connection, changed)
            await audit.record(connection, store_id, lines_of_change(stored, kept))
            return kept
