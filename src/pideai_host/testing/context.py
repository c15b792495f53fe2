"""A context in memory: the host's own for all that it decides by itself, fakes for what it would ask others."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import httpx

from pideai_host.api import Database, DeliveryInfo, PluginEventType, PluginFault
from pideai_host.events.identity import emitter
from pideai_host.plugins.declared import DeclaredType
from pideai_host.stores.context import NOTICES_MAX, ContextFactory, HostContext
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.notices import LEVELS
from pideai_host.testing.parts import FakeCredits, FakeDatabase, FakeLog, FakeSecrets, FakeStorage

_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


def _refuse(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"no request was expected: {request.method} {request.url}; give the context an http client")


class FakeContext(HostContext):
    """A `PluginContext` for one store; `emitted`, `receipts` and `notices` are what the plugin left.

    What may be emitted and settled is decided by the host's own code, so a test fails where the host would refuse.

    Args:
        plugin: The slug.
        store_id: The store; a new one unless given.
        config: The configuration, without secrets; hooks get it as `context.config`.
        secrets: Its secrets, by JSON pointer.
        operator: What the operator set, by the names that the plugin asks for.
        delivery: The delivery that the call is for: an id of its own, or None for a webhook, a route or a job.
        attempt: Of that delivery.
        http: A client, such as ``httpx.AsyncClient(transport=httpx.MockTransport(answer))``; without it each request
            fails the test.
        db: A database; without it each statement fails the test.
        credit: What the store may spend.
        stored: What the storage holds.
        event_types: What the plugin declares of its own: `emit` holds it to that.
    """

    def __init__(
        self,
        plugin: str,
        *,
        store_id: UUID | None = None,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        operator: Mapping[str, str] | None = None,
        delivery: UUID | None = None,
        attempt: int = 1,
        http: httpx.AsyncClient | None = None,
        db: Database | None = None,
        credit: int = 10,
        stored: Mapping[str, Any] | None = None,
        event_types: Iterable[PluginEventType] = (),
    ) -> None:
        store_id = store_id or uuid4()
        installation = StoredInstallation(
            id=uuid4(),
            store_id=store_id,
            plugin_id=uuid4(),
            slug=plugin,
            config=dict(config or {}),
            enabled=True,
            priority=0,
            webhook_url=None,
            config_version=1,
            revision=1,
            sealed={},
            installed_at=_EPOCH,
            updated_at=_EPOCH,
        )
        client = http or httpx.AsyncClient(transport=httpx.MockTransport(_refuse))
        declared = {one.type: DeclaredType(plugin, one) for one in event_types}
        factory = ContextFactory(None, client, None, {}, event_types=declared)  # type: ignore[arg-type] # never used
        info = None if delivery is None else DeliveryInfo(id=delivery, attempt=attempt)
        super().__init__(factory, installation, info, emitter(store_id, plugin))
        self.notices: list[tuple[str, str]] = []
        vars(self).update(
            secrets=FakeSecrets(secrets, operator),
            credits=FakeCredits(credit),
            storage=FakeStorage(stored),
            db=FakeDatabase() if db is None else db,
            log=FakeLog(),
        )

    async def notify(self, message: str, *, level: str = "info") -> None:
        """Keep a notice, as (level, message)."""
        if level not in LEVELS or len(self.notices) == NOTICES_MAX:
            raise PluginFault(
                f"{self.plugin}: {level!r} is no level, or more than {NOTICES_MAX} notices", slug=self.plugin
            )
        self.notices.append((level, message))

    @property
    def settled(self) -> dict[UUID, str]:
        """What the plugin said of deliveries: id -> delivered or failed."""
        return {one.id: one.status for one in self.receipts}
