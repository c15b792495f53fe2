"""A host whose parts are stand-ins, for the endpoints of a store's plugins."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from pideai_host.api import StoreUnknown
from pideai_host.events.breaker_rows import BreakerState
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.wire import InstallIn, InstallOut, UpdateIn
from pideai_host.web.auth import User
from pideai_host.web.plan import ModuleNotInPlan

OWNER = uuid4()
STORE = uuid4()
PATH = f"/api/stores/{STORE}/plugins"
STORED = StoredInstallation(
    id=uuid4(), store_id=STORE, plugin_id=uuid4(), slug="whatsapp", config={"apiUrl": "https://evo.test"}, enabled=True,
    priority=0, webhook_url=None, config_version=1, revision=1, sealed={"/apiKey": "v1.k.sealed-text"},
    installed_at=datetime(2026, 1, 1, tzinfo=UTC), updated_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip

TAG = f"{STORED.id.hex[:8]}-1"
ANY = {"if-match": "*"}

OPEN = BreakerState(
    installation_id=STORED.id, plugin="whatsapp", phase="open", reason="503", parked=3, closed_at=None,
    opened_at=datetime(2026, 1, 2, tzinfo=UTC), next_probe_at=datetime(2026, 1, 3, tzinfo=UTC),
)  # fmt: skip
SHOWN = {
    "phase": "open",
    "reason": "503",
    "opened_at": "2026-01-02T00:00:00Z",
    "closed_at": None,
    "next_probe_at": "2026-01-03T00:00:00Z",
    "parked": 3,
}


class Verifier:
    async def verify(self, _: str) -> User:
        return User(OWNER, "{}")


class Access:
    async def require_owner(self, user: User, store_id: UUID) -> None:
        if (user.id, store_id) != (OWNER, STORE):
            raise StoreUnknown(store_id)

    require_reader = require_owner


class Installations:
    async def list_for_store(self, store_id: UUID) -> list[StoredInstallation]:
        assert store_id == STORE
        return [STORED]

    async def find(self, store_id: UUID, slug: str) -> StoredInstallation | None:
        return STORED if (store_id, slug) == (STORE, "whatsapp") else None


class Breakers:
    """The breaker of `STORED` is open; nothing else is installed."""

    def __init__(self) -> None:
        self.resets: list[tuple[UUID, str, str]] = []

    async def of_store(self, store_id: UUID) -> list[BreakerState]:
        assert store_id == STORE
        return [OPEN]

    async def of_plugin(self, store_id: UUID, plugin: str) -> BreakerState | None:
        return OPEN if (store_id, plugin) == (STORE, "whatsapp") else None

    async def reset(self, store_id: UUID, plugin: str, *, by: str) -> BreakerState | None:
        if await self.of_plugin(store_id, plugin) is None:
            return None
        self.resets.append((store_id, plugin, by))
        return msgspec.structs.replace(OPEN, phase="closed", next_probe_at=None)


class Plan:
    """What stores' plans include; counts who was asked about."""

    def __init__(self) -> None:
        self.modules = {"whatsapp"}
        self.asked: list[tuple[UUID, UUID, str]] = []

    async def require(self, user: User, store_id: UUID, slug: str) -> None:
        self.asked.append((user.id, store_id, slug))
        if slug not in self.modules:
            raise ModuleNotInPlan(slug, slug)


class Lifecycle:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refusal: Exception | None = None

    def _take(self, *call: Any) -> None:
        self.calls.append(call)
        if self.refusal is not None:
            raise self.refusal

    async def install(self, store_id: UUID, slug: str, wanted: InstallIn) -> InstallOut:
        self._take("install", store_id, slug, wanted)
        return InstallOut.of(STORED, webhook_secret="whsec_made")

    async def update(self, store_id: UUID, slug: str, change: UpdateIn, *, expected: Any) -> InstallOut:
        self._take("update", store_id, slug, change, expected)
        return InstallOut.of(STORED)

    async def uninstall(self, store_id: UUID, slug: str, *, expected: Any) -> None:
        self._take("uninstall", store_id, slug, expected)


@pytest.fixture
def lifecycle():
    return Lifecycle()


@pytest.fixture
def breakers():
    return Breakers()


@pytest.fixture
def plan():
    return Plan()


@pytest.fixture
def client(client_of, lifecycle, breakers, plan):
    client = client_of(
        verifier=Verifier(),
        access=Access(),
        installations=Installations(),
        lifecycle=lifecycle,
        breakers=breakers,
        plan=plan,
    )
    client.headers["authorization"] = "Bearer any"
    return client
