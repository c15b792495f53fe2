"""Configurations of another version than the plugin's code wants (docs/adr/0032).

An older one is brought up by `migrate_config`, checked by the schema, and written in one transaction under the
installation's lock; if that fails it stays as it was, with the reason beside it. A newer one is left alone: other
processes run newer code.
"""

from typing import Any, ClassVar, Final

import msgspec
from psycopg import AsyncConnection

from pideai_host.api import PideaiError, PluginDefinition, PluginFault, StoreProblem
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores import audit, deliveries, installations
from pideai_host.stores.audit_diff import lines_of_change
from pideai_host.stores.draft import draft_changed
from pideai_host.stores.hooks import LifecycleHooks
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.notices import Notices
from pideai_host.stores.rows import require_row
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.transitions import shortened
from pideai_host.stores.wire import UpdateIn
from pideai_host.telemetry import get_logger

AGAIN_S: Final = 300.0
"""When a configuration that could not be brought up is tried again."""

_FAULT: Final = query(load("pideai_host.stores", "sql/config_fault.sql"))
_NOTICE: Final = (
    "La configuración del plugin «{slug}» no se pudo adaptar a su nueva versión; sus envíos esperan."
    " Revísala y guárdala de nuevo."
)
_log: Final = get_logger(__name__)


class ConfigNotCurrent(StoreProblem):
    """The configuration is of another version than this host's code of the plugin wants."""

    code: ClassVar[str] = "config_not_current"


def version_fault(stored: StoredInstallation, definition: PluginDefinition) -> str | None:
    """Tell why a plugin cannot be called with a configuration as it is, or None."""
    if stored.config_version == definition.config_version:
        return None
    fault = f"the configuration is of version {stored.config_version}, the plugin wants {definition.config_version}"
    return f"{fault}: {stored.config_fault}" if stored.config_fault else fault


def require_current(stored: StoredInstallation, definition: PluginDefinition) -> None:
    """Return if a plugin can be called with a configuration.

    Raises:
        ConfigNotCurrent: it cannot.
    """
    fault = version_fault(stored, definition)
    if fault is not None:
        raise ConfigNotCurrent(f"{stored.slug}: {fault}", hint="Try again in a minute, or save the configuration anew.")


class Versions:
    """Brings configurations up.

    Args:
        pool: Runtime connections.
        hooks: Calls `migrate_config`.
        sealer: Seals what it returns.
    """

    def __init__(self, pool: Pool, hooks: LifecycleHooks, sealer: Sealer) -> None:
        self._notices = Notices(pool)
        self._hooks = hooks
        self._sealer = sealer

    async def bring_up(
        self, connection: AsyncConnection[Any], stored: StoredInstallation, definition: PluginDefinition
    ) -> StoredInstallation:
        """Bring an older configuration up and write it, on the connection that holds its lock; return it as it is kept.

        Raises:
            PideaiError: it could not be; the row has the reason, and its owner a notice.
        """
        try:
            migrated = await self._migrated(stored, definition)
        except PideaiError as problem:
            await self._tell(connection, stored, problem.message)
            raise
        async with connection.transaction():
            kept = await installations.update(connection, migrated)
            await audit.record(connection, kept.store_id, lines_of_change(stored, kept))
            await deliveries.resume_config(connection, kept)
        _log.info(
            "config_brought_up",
            store_id=str(kept.store_id),
            plugin=kept.slug,
            was=stored.config_version,
            now=kept.config_version,
        )
        return kept

    async def _migrated(self, stored: StoredInstallation, definition: PluginDefinition) -> StoredInstallation:
        config: Any = stored.config
        if self._hooks.has(stored.slug, "migrate_config"):
            config = await self._hooks.ask(stored, "migrate_config")
        try:
            config = msgspec.json.decode(msgspec.json.encode(config), type=dict[str, Any])
        except (TypeError, ValueError, OverflowError, RecursionError):
            raise PluginFault(f"{stored.slug}: migrate_config returned no JSON object", slug=stored.slug) from None
        return draft_changed(self._sealer, definition, stored, UpdateIn(config=config)).installation

    async def _tell(self, connection: AsyncConnection[Any], stored: StoredInstallation, reason: str) -> None:
        values = {"id": stored.id, "fault": shortened(reason), "due_s": AGAIN_S}
        (is_new,) = require_row(await (await connection.execute(_FAULT, values)).fetchone(), "installation")
        _log.warning("config_not_brought_up", store_id=str(stored.store_id), plugin=stored.slug, reason=reason)
        if is_new:
            await self._notices.leave(stored.store_id, stored.slug, _NOTICE.format(slug=stored.slug), level="error")
