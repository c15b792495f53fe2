"""What a plugin's command gets: output helpers at once, and the host, put together when it asks for it."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pideai_host.api import CommandSession, Installation, NotInstalled, PluginFault
from pideai_host.cli.session import load_settings, operator, running_database
from pideai_host.db.pool import Pool, open_pool
from pideai_host.events.changed import ChangedStores
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.intake import Intake
from pideai_host.events.outbox import Outbox
from pideai_host.events.reach import Reach, ReachParts
from pideai_host.events.wake import Notifier
from pideai_host.outgoing.client import make_client
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.event_types import with_event_types
from pideai_host.plugins.migrations import without_unmigrated
from pideai_host.plugins.registry import Registry
from pideai_host.settings import Settings, ensure_master_keys
from pideai_host.stores.calls import StoreCalls
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.database import OwnerDatabase
from pideai_host.stores.installations import Installations
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.opened import operator_secret
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.wire import InstallIn, UpdateIn
from pideai_host.telemetry import get_logger
from pideai_host.web.tables import require_tables

Answer = TypeVar("Answer")

_log: Final = get_logger(__name__)


class HostCommand:
    """See `pideai_host.api.CommandContext`.

    Args:
        slug: The plugin.
        registry: Has this plugin loaded.
    """

    def __init__(self, slug: str, registry: Registry) -> None:
        self.plugin = slug
        self._registry = registry

    def operator(self, name: str) -> str | None:
        """Return what the operator set for the plugin; None if unset."""
        return operator_secret(os.environ, self.plugin, name)

    def run(self, work: Callable[[CommandSession], Awaitable[Answer]]) -> Answer:
        """Connect, run an async function to its end, and return what it returns."""

        async def within() -> Answer:
            async with open_session(settings, self.plugin, self._registry) as session:
                return await work(session)

        with operator(), running_database(ensure_master_keys(load_settings(is_quiet=True))) as settings:
            return asyncio.run(within())

    def say(self, line: str = "") -> None:
        """Write a line on stdout."""
        print(line)

    def warn(self, line: str) -> None:
        """Write a line on stderr."""
        print(line, file=sys.stderr)

    @contextmanager
    def progress(self, what: str, *, total: float | None = None) -> Iterator["Bar"]:
        """Show a bar on stderr where a terminal shows it."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
            yield Bar(progress, progress.add_task(what, total=total))


class Bar:
    """See `pideai_host.api.CommandProgress`."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, steps: float = 1) -> None:
        """Go on by some steps."""
        self._progress.advance(self._task, steps)


class HostSession(Reach):
    """See `pideai_host.api.CommandSession`."""

    def __init__(
        self, slug: str, parts: ReachParts, owner: Pool, installations: Installations, lifecycle: Lifecycle
    ) -> None:
        super().__init__(slug, parts)
        self.db = OwnerDatabase(owner)
        self.log = _log.bind(plugin=slug)
        self._installations = installations
        self._lifecycle = lifecycle

    async def installed(self, store_id: UUID) -> Installation | None:
        """Return a store's installation, enabled or not."""
        found = await self._installations.find(store_id, self.plugin)
        return None if found is None else found.public

    async def install(
        self, store_id: UUID, *, config: Mapping[str, Any] | None = None, enabled: bool = True
    ) -> Installation:
        """Install the plugin for a store as its owner would."""
        await self._lifecycle.install(store_id, self.plugin, InstallIn(config=dict(config or {}), enabled=enabled))
        return await self._now(store_id)

    async def enable(self, store_id: UUID) -> Installation:
        """Enable a store's installation."""
        return await self._switch(store_id, is_on=True)

    async def disable(self, store_id: UUID) -> Installation:
        """Disable a store's installation."""
        return await self._switch(store_id, is_on=False)

    async def uninstall(self, store_id: UUID) -> None:
        """Uninstall the plugin from a store."""
        await self._lifecycle.uninstall(store_id, self.plugin)

    async def _switch(self, store_id: UUID, *, is_on: bool) -> Installation:
        found = await self._now(store_id)
        if found.enabled is not is_on:
            await self._lifecycle.update(store_id, self.plugin, UpdateIn(enabled=is_on))
        return await self._now(store_id)

    async def _now(self, store_id: UUID) -> Installation:
        found = await self.installed(store_id)
        if found is None:
            raise NotInstalled(self.plugin)
        return found


@asynccontextmanager
async def open_session(settings: Settings, slug: str, registry: Registry) -> AsyncIterator[HostSession]:
    """Put together what a command of a plugin needs of the host, as long as the block runs.

    Raises:
        ConfigurationError, DatabaseUnavailable: there is no database to work with.
        PluginFault: the plugin's own migrations are not applied.
    """
    async with AsyncExitStack() as stack:
        pool, owner = [
            await stack.enter_async_context(
                open_pool(url or "", min_size=1, max_size=4, name="pideai-host command", variable=variable)
            )
            for url, variable in (
                (settings.database_url, settings.database_variable),
                (settings.admin_database_url, settings.admin_database_variable),
            )
        ]
        await require_tables(pool)
        usable = await without_unmigrated(with_event_types(registry), pool)
        if slug not in usable.definitions:
            why = next((one.error for one in usable.records if one.slug == slug), "")
            raise PluginFault(f"plugin {slug} cannot be used: {why}", slug=slug)
        http = make_client(allow=settings.http_allow)
        stack.push_async_callback(http.aclose)
        runner = HookRunner()
        stack.push_async_callback(runner.aclose)
        notifier, changed = Notifier(pool), ChangedStores(pool)
        stack.push_async_callback(notifier.stop)
        stack.push_async_callback(changed.stop)
        sealer = Sealer(settings.master_keys)
        contexts = ContextFactory(
            pool, http.lent(), sealer, os.environ, on_notice=changed.tell, event_types=usable.event_types
        )
        installations = Installations(pool)
        directory = StoreDirectory(pool, monotonic=time.monotonic)
        intake = Intake(pool, directory, on_lanes=notifier.lanes, on_changed=changed.tell)
        parts = ReachParts(
            pool=pool,
            http=contexts.http,
            environ=os.environ,
            calls=StoreCalls(usable, runner, contexts, installations, quarantined={}),
            outbox=Outbox(pool, intake, on_changed=changed.tell),
        )
        lifecycle = Lifecycle(pool, usable, runner, contexts, sealer, allow=settings.http_allow)
        yield HostSession(slug, parts, owner, installations, lifecycle)
