"""A job's context in memory, over fake contexts of stores."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

import httpx

from pideai_host.api import Database
from pideai_host.api.jobs import OpenInstallation
from pideai_host.stores.context import Emitted
from pideai_host.testing.context import FakeContext
from pideai_host.testing.parts import FakeDatabase, FakeLog


class FakeReach:
    """What a fake job and a fake command have in common: stores, each with a context of its own.

    `written` is what blocks left that ended well, by store; what a block emitted that raised is not in it.
    """

    def __init__(
        self, contexts: Iterable[FakeContext], *, db: Database | None = None, http: httpx.AsyncClient | None = None
    ) -> None:
        self.contexts = {one.store_id: one for one in contexts}
        self.db = FakeDatabase() if db is None else db
        self.http = http or next((one.http for one in self.contexts.values()), httpx.AsyncClient())
        self.log = FakeLog()
        self.written: dict[UUID, list[Emitted]] = {}

    async def stores(self) -> AsyncIterator[UUID]:
        """Give the stores, in the order of their ids."""
        for store_id in sorted(self.contexts):
            yield store_id

    @asynccontextmanager
    async def installation(self, store_id: UUID) -> AsyncIterator[OpenInstallation | None]:
        """Open a store's context; None for a store that was not given."""
        context = self.contexts.get(store_id)
        if context is None:
            yield None
            return
        yield context.config, context
        self.written[store_id] = context.emitted


class FakeJob(FakeReach):
    """A `JobContext`.

    Args:
        plugin: The slug.
        contexts: Of the stores that have it enabled.
        job: The job's name.
        db: What `job.db` is; without it each statement fails the test.
        http: What `job.http` is; that of the first context unless given.
        operator: What the operator set.
    """

    def __init__(
        self,
        plugin: str,
        contexts: Iterable[FakeContext] = (),
        *,
        job: str = "job",
        db: Database | None = None,
        http: httpx.AsyncClient | None = None,
        operator: dict[str, str] | None = None,
    ) -> None:
        super().__init__(contexts, db=db, http=http)
        self.plugin = plugin
        self.job = job
        self._operator = operator or {}

    def operator(self, name: str) -> str | None:
        """Return what the operator set."""
        return self._operator.get(name)
