"""A command's context in memory: what it says is kept, and installations are switched in a dict."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import httpx
import msgspec

from pideai_host.api import AdminDatabase, AlreadyInstalled, CommandSession, Installation, NotInstalled
from pideai_host.testing.context import FakeContext
from pideai_host.testing.jobs import FakeReach
from pideai_host.testing.parts import FakeDatabase

Answer = TypeVar("Answer")


class FakeSession(FakeReach):
    """A `CommandSession`; `installations` is what is installed, `changes` what was done, in order."""

    db: AdminDatabase

    def __init__(
        self, plugin: str, contexts: Iterable[FakeContext], db: AdminDatabase | None, http: httpx.AsyncClient | None
    ) -> None:
        super().__init__(contexts, db=FakeDatabase() if db is None else db, http=http)
        self.plugin = plugin
        self.installations = {store_id: one.installation for store_id, one in self.contexts.items()}
        self.changes: list[tuple[str, UUID]] = []

    async def installed(self, store_id: UUID) -> Installation | None:
        """Return a store's installation."""
        return self.installations.get(store_id)

    async def install(
        self, store_id: UUID, *, config: Mapping[str, Any] | None = None, enabled: bool = True
    ) -> Installation:
        """Install the plugin; no hook is called, and no configuration checked."""
        if store_id in self.installations:
            raise AlreadyInstalled(self.plugin)
        self.contexts[store_id] = FakeContext(self.plugin, store_id=store_id, config=config)
        made = msgspec.structs.replace(self.contexts[store_id].installation, enabled=enabled)
        return self._kept("install", made)

    async def enable(self, store_id: UUID) -> Installation:
        """Enable it."""
        return self._switched("enable", store_id, is_on=True)

    async def disable(self, store_id: UUID) -> Installation:
        """Disable it."""
        return self._switched("disable", store_id, is_on=False)

    async def uninstall(self, store_id: UUID) -> None:
        """Uninstall it."""
        if self.installations.pop(store_id, None) is None:
            raise NotInstalled(self.plugin)
        self.contexts.pop(store_id, None)
        self.changes.append(("uninstall", store_id))

    def _switched(self, what: str, store_id: UUID, *, is_on: bool) -> Installation:
        found = self.installations.get(store_id)
        if found is None:
            raise NotInstalled(self.plugin)
        return found if found.enabled is is_on else self._kept(what, msgspec.structs.replace(found, enabled=is_on))

    def _kept(self, what: str, one: Installation) -> Installation:
        self.installations[one.store_id] = one
        self.changes.append((what, one.store_id))
        return one


class FakeCommand:
    """A `CommandContext`, for ``CliRunner().invoke(command, [...], obj=FakeCommand("acme-courier"))``.

    Args:
        plugin: The slug.
        contexts: Of the stores that have it installed.
        db: What `session.db` is; without it each statement fails the test.
        http: What `session.http` is.
        operator: What the operator set.
    """

    def __init__(
        self,
        plugin: str,
        contexts: Iterable[FakeContext] = (),
        *,
        db: AdminDatabase | None = None,
        http: httpx.AsyncClient | None = None,
        operator: dict[str, str] | None = None,
    ) -> None:
        self.plugin = plugin
        self.session = FakeSession(plugin, contexts, db, http)
        self.said: list[str] = []
        self.warned: list[str] = []
        self.steps = 0.0
        self._operator = operator or {}

    def operator(self, name: str) -> str | None:
        """Return what the operator set."""
        return self._operator.get(name)

    def run(self, work: Callable[[CommandSession], Awaitable[Answer]]) -> Answer:
        """Run an async function with the session."""

        async def within() -> Answer:
            return await work(self.session)

        return asyncio.run(within())

    def say(self, line: str = "") -> None:
        """Keep a line of the result."""
        self.said.append(line)

    def warn(self, line: str) -> None:
        """Keep a line about the work."""
        self.warned.append(line)

    @contextmanager
    def progress(self, what: str, *, total: float | None = None) -> Iterator["FakeCommand"]:  # noqa: ARG002 - nothing is drawn
        """Count the steps."""
        yield self

    def advance(self, steps: float = 1) -> None:
        """Count some steps."""
        self.steps += steps
