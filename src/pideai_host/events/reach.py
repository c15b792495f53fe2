"""How what belongs to no store reaches stores: a plugin's jobs and commands, one installation at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec

from pideai_host.api import NotInstalled
from pideai_host.api.jobs import OpenInstallation
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.identity import emitter
from pideai_host.events.outbox import Outbox
from pideai_host.stores.calls import PluginDisabled, StoreCalls
from pideai_host.stores.context import HostContext
from pideai_host.stores.opened import operator_secret
from pideai_host.stores.versions import ConfigNotCurrent

PAGE: Final = 500
"""Stores that are read at a time."""

_ENABLED: Final = query(load("pideai_host.stores", "sql/stores_enabled.sql"))


class ReachParts(msgspec.Struct, frozen=True, kw_only=True):
    """What all reaches of a process share."""

    pool: Pool
    http: httpx.AsyncClient
    environ: Any
    calls: StoreCalls
    outbox: Outbox


class Reach:
    """One plugin's way to its stores.

    Args:
        slug: The plugin.
        parts: Of the process.
    """

    def __init__(self, slug: str, parts: ReachParts) -> None:
        self.plugin = slug
        self._parts = parts
        self._quoted: list[HostContext] = []

    @property
    def http(self) -> httpx.AsyncClient:
        """The guarded client that all plugins share."""
        return self._parts.http

    def operator(self, name: str) -> str | None:
        """Return what the operator set for the plugin; None if unset."""
        return operator_secret(self._parts.environ, self.plugin, name)

    async def stores(self) -> AsyncIterator[UUID]:
        """Give the ids of the stores that have the plugin enabled; no connection is held between two pages."""
        after = UUID(int=0)
        while True:
            values = {"slug": self.plugin, "after": after, "limit": PAGE}
            async with self._parts.pool.connection() as connection:
                rows = await (await connection.execute(_ENABLED, values)).fetchall()
            for (store_id,) in rows:
                yield store_id
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    @asynccontextmanager
    async def installation(self, store_id: UUID) -> AsyncIterator[OpenInstallation | None]:
        """Open a store's enabled installation; what its context leaves is written when the block ends well."""
        context = await self._context(store_id)
        if context is None:
            yield None
            return
        try:
            yield context.config, context
        except BaseException:
            self._quoted.append(context)  # what is raised may quote a secret that it opened
            raise
        await self._parts.outbox.keep(context)

    async def _context(self, store_id: UUID) -> HostContext | None:
        emits_as = emitter(store_id, self.plugin)
        try:
            return await self._parts.calls.context(store_id, self.plugin, emits_as=emits_as)
        except (NotInstalled, PluginDisabled, ConfigNotCurrent):
            return None

    def redact(self, text: str) -> str:
        """Return a text without the secrets that installations gave to a block that raised."""
        for context in self._quoted:
            text = context.redact(text) or ""
        return text
