"""Periodic work of a plugin: what the hook `jobs` returns, and what such a job is given."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

import httpx
import msgspec

from pideai_host.api.context import Database, Log, PluginContext

OpenInstallation: TypeAlias = tuple[Mapping[str, Any], PluginContext]
"""A store's configuration, without its secrets, and the context that is bound to the store."""


@runtime_checkable
class JobContext(Protocol):
    """What a job is given: it belongs to no store, and reaches each through `installation`."""

    @property
    def plugin(self) -> str:
        """The slug of the plugin."""

    @property
    def job(self) -> str:
        """The name of the job."""

    @property
    def db(self) -> Database:
        """The database, as the host's role, which sees all stores: bind each statement to the stores it is about."""

    @property
    def http(self) -> httpx.AsyncClient:
        """The guarded HTTP client, as in `PluginContext`."""

    @property
    def log(self) -> Log:
        """The log; plugin and job are bound already."""

    def operator(self, name: str) -> str | None:
        """Return what the operator set for the plugin, ``PIDEAI_PLUGIN_<SLUG>_<NAME>``; None if unset."""

    def stores(self) -> AsyncIterator[UUID]:
        """Give the ids of the stores that have the plugin enabled, page by page, in the order of their ids.

        A store that enables the plugin meanwhile may come or not; one that disables it may still come, so ask
        `installation`.
        """

    def installation(self, store_id: UUID) -> AbstractAsyncContextManager[OpenInstallation | None]:
        """Open a store's installation: ``async with job.installation(store_id) as found``.

        Gives its configuration and a `PluginContext`, or None where the store has not enabled the plugin, or its
        configuration is not the code's. What the context emits and settles is written when the block ends well, in
        one transaction, and dropped when it raises. Keys of `emit` tell apart all that the plugin emits for the store
        outside of deliveries: the same key is the same event for 14 days, so that work which is done again emits
        nothing twice.

        Raises:
            PluginFault: at the end of the block: the database refuses what was emitted.
            DatabaseUnavailable: at the end of the block: it could not be written now.
        """


class PluginJob(msgspec.Struct, frozen=True, kw_only=True):
    """Work that is done again and again, by one process at a time: the one whose scheduler is elected.

    It may be ended at any moment (its time is over, the process stops, another process takes the lead), and be begun
    in another process before it has ended here: do it so that doing it again is harmless. Other jobs, of the host and
    of the plugin, go on meanwhile; it never overlaps with itself in a process.

    Attributes:
        name: Unique within the plugin: lower-case words joined by underscores, 40 characters at most.
        interval_s: Seconds from one end to the next beginning, 1 at least; up to a tenth more by chance, so that not
            all jobs come at once.
        run: An `async def`. What it raises is logged and shown to the operator; the next turn comes all the same.
        timeout_s: Seconds that one turn may take, at most 600.
    """

    name: str
    interval_s: float
    run: Callable[[JobContext], Awaitable[None]]
    timeout_s: float = 60.0
