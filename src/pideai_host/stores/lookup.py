"""Which stores a provider's call may be for: what `route_webhook` is given to find out."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from psycopg import sql

from pideai_host.api import PluginFault
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores.opened import operator_secret
from pideai_host.telemetry import get_logger

VALUES_MAX: Final = 1_000
FOUND_MAX: Final = 1_000

_BY_CONFIG: Final = query(load("pideai_host.stores", "sql/lookup_config.sql"))
_BY_STORAGE: Final = query(load("pideai_host.stores", "sql/lookup_storage.sql"))
_log: Final = get_logger(__name__)


class HostLookup:
    """Looks for stores of one plugin; see `pideai_host.api.WebhookLookup`."""

    def __init__(self, pool: Pool, slug: str, environ: Mapping[str, str]) -> None:
        self._pool = pool
        self._slug = slug
        self._environ = environ

    @property
    def log(self) -> Any:
        """The log, bound to the plugin."""
        return _log.bind(plugin=self._slug)

    def operator(self, name: str) -> str | None:
        """Return a secret of the operator's environment."""
        return operator_secret(self._environ, self._slug, name)

    async def by_config(self, pointer: str, values: Collection[str]) -> Mapping[str, Sequence[UUID]]:
        """Return stores by the value that their configuration has at a place."""
        if not pointer.startswith("/"):
            raise self._fault(f"{pointer!r} is no JSON pointer such as '/phoneNumberId'")
        path = [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]
        return await self._find(_BY_CONFIG, values, path=path)

    async def by_storage(self, keys: Collection[str]) -> Mapping[str, Sequence[UUID]]:
        """Return stores by the key under which they keep something."""
        return await self._find(_BY_STORAGE, keys)

    async def _find(self, statement: sql.SQL, values: Collection[str], **more: Any) -> Mapping[str, Sequence[UUID]]:
        wanted = sorted(set(values))
        if len(wanted) > VALUES_MAX:
            raise self._fault(f"{len(wanted)} values looked for at once; at most {VALUES_MAX}")
        wanted = [one for one in wanted if "\x00" not in one]
        parameters = {"slug": self._slug, "values": wanted, "limit": FOUND_MAX, **more}
        found: dict[str, list[UUID]] = defaultdict(list)
        if wanted:
            async with self._pool.connection() as connection:
                for value, store_id in await (await connection.execute(statement, parameters)).fetchall():
                    found[value].append(store_id)
        return dict(found)

    def _fault(self, message: str) -> PluginFault:
        return PluginFault(f"{self._slug}: {message}", slug=self._slug)
