"""Commands of a plugin for the operator: what the click commands of the hook `cli_commands` find as ``ctx.obj``.

A command is written as click knows it (``import click``), takes the context by ``@click.pass_obj``, and does what needs
the database within `CommandContext.run`. A `PideaiError` that it raises becomes ``error: …`` and ``hint: …`` and exit
code 1, `click.UsageError` exit code 2; an integer that it returns is the exit code.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol, TypeVar, runtime_checkable
from uuid import UUID

import httpx

from pideai_host.api.context import Database, Installation, Log
from pideai_host.api.jobs import OpenInstallation

Answer = TypeVar("Answer")


class AdminDatabase(Database, Protocol):
    """SQL as the owner of the database (``ADMIN_DATABASE_URL``), without a limit of time.

    Each call is a transaction of its own, unless it is made on what `transaction` gives.
    """

    def transaction(self) -> AbstractAsyncContextManager[Database]:
        """Give a database whose calls are one transaction: written when the block ends well, else undone.

        The owner is held by no row security: bind each statement to the stores it is about. A transaction holds a
        connection of its own, so several may be open at once.
        """


class CommandProgress(Protocol):
    """A bar on stderr; none is drawn where no terminal shows it."""

    def advance(self, steps: float = 1) -> None:
        """Go on by some steps."""


class CommandSession(Protocol):
    """The host as a command meets it; whatever it changes is recorded as the operator's."""

    @property
    def db(self) -> AdminDatabase:
        """The database, as its owner."""

    @property
    def http(self) -> httpx.AsyncClient:
        """The guarded HTTP client, as in `PluginContext`."""

    @property
    def log(self) -> Log:
        """The log, on stderr."""

    def stores(self) -> AsyncIterator[UUID]:
        """Give the ids of the stores that have the plugin enabled, as `JobContext.stores` does."""

    def installation(self, store_id: UUID) -> AbstractAsyncContextManager[OpenInstallation | None]:
        """Open a store's enabled installation, as `JobContext.installation` does."""

    async def installed(self, store_id: UUID) -> Installation | None:
        """Return a store's installation, enabled or not; None where it has none."""

    async def install(
        self, store_id: UUID, *, config: Mapping[str, Any] | None = None, enabled: bool = True
    ) -> Installation:
        """Install the plugin for a store as its owner would, hooks and checks included.

        Raises:
            StoreUnknown, AlreadyInstalled, ConfigRejected, PluginFault: nothing is written.
        """

    async def enable(self, store_id: UUID) -> Installation:
        """Enable a store's installation; what was parked is due. Does nothing where it is enabled.

        Raises:
            NotInstalled, ConfigRejected, PluginFault: nothing is written.
        """

    async def disable(self, store_id: UUID) -> Installation:
        """Disable a store's installation; what is queued is parked. Does nothing where it is disabled.

        Raises:
            NotInstalled: the store does not have it.
        """

    async def uninstall(self, store_id: UUID) -> None:
        """Uninstall the plugin from a store; what is queued is cancelled.

        Raises:
            NotInstalled: the store does not have it.
        """


@runtime_checkable
class CommandContext(Protocol):
    """What a command of a plugin is given, as click's ``ctx.obj``."""

    @property
    def plugin(self) -> str:
        """The slug of the plugin."""

    def operator(self, name: str) -> str | None:
        """Return what the operator set for the plugin, ``PIDEAI_PLUGIN_<SLUG>_<NAME>``; None if unset."""

    def run(self, work: Callable[[CommandSession], Awaitable[Answer]]) -> Answer:
        """Connect, run an async function of the command's to its end, and return what it returns.

        Ctrl-C cancels it. To be called from the command itself, not from a task.

        Raises:
            DatabaseUnavailable, ConfigurationError: there is no database to work with.
        """

    def say(self, line: str = "") -> None:
        """Write a line of the result, on stdout."""

    def warn(self, line: str) -> None:
        """Write a line about the work itself, on stderr."""

    def progress(self, what: str, *, total: float | None = None) -> AbstractContextManager[CommandProgress]:
        """Show a bar while the block runs; `total` is how many steps there are, None if nobody knows."""
