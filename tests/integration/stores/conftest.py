"""Two stores and two plugins to work with; what is tested runs as the runtime role."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from pideai_host.api import ConfigRejected, PluginDefinition, PluginType, hookimpl
from pideai_host.db.dev import create_demo_store
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.lanes import main_lane
from pideai_host.plugins.registry import Registry
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.installations import Installations
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.wire import InstallIn

KEY = "canary-key"


@pytest.fixture
async def store_id(admin_conn) -> UUID:
    return await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="first-store", name="First")


@pytest.fixture
async def other_store_id(admin_conn) -> UUID:
    return await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="second-store", name="Second")


@pytest.fixture
def sealer() -> Sealer:
    return Sealer((("k1", b"k" * 32),))


class Courier:
    """Remembers what it was told, and fails where a test says so."""

    definition = PluginDefinition(
        slug="courier",
        name="Courier",
        version="1.0",
        type=PluginType.DELIVERY,
        subscribed_events=(),
        webhook=True,
        config_schema={
            "type": "object",
            "properties": {"city": {"type": "string", "default": "Caracas"}, "key": {"writeOnly": True}},
        },
    )

    def __init__(self) -> None:
        self.told: list[tuple[str, bool, dict, str | None]] = []
        self.failures: dict[str, BaseException] = {}
        self.meanwhile = {}

    @hookimpl
    def plugin_definition(self):
        return self.definition

    async def _hear(self, name, config, context):
        self.told.append((name, context.installation.enabled, dict(config), await context.secrets.get("/key")))
        if name in self.meanwhile:
            await self.meanwhile[name]()
        if name in self.failures:
            raise self.failures[name]

    @hookimpl
    async def on_install(self, store_id, config, context):
        await self._hear("on_install", config, context)

    @hookimpl
    async def on_enable(self, config, context):
        await self._hear("on_enable", config, context)

    @hookimpl
    async def on_disable(self, config, context):
        await self._hear("on_disable", config, context)

    @hookimpl
    async def on_config_change(self, config, context):
        await self._hear("on_config_change", config, context)

    @hookimpl
    async def on_uninstall(self, config, context):
        await self._hear("on_uninstall", config, context)

    @property
    def names(self) -> list[str]:
        return [name for name, *_ in self.told]

    def refuse(self, name: str) -> None:
        self.failures[name] = ConfigRejected({"/key": "is not accepted"})


class Silent:
    """Has no hooks but the one that every plugin has."""

    @hookimpl
    def plugin_definition(self):
        return msgspec.structs.replace(
            Courier.definition, slug="silent-one", name="Silent", webhook=False, config_schema={"type": "object"}
        )


@pytest.fixture
def courier() -> Courier:
    return Courier()


@pytest.fixture
def registry(courier) -> Registry:
    return Registry.of({"courier": courier, "silent-one": Silent()})


@pytest.fixture
async def lifecycle(pool, registry, sealer, admin_conn) -> Lifecycle:
    await sync_catalogue(admin_conn, registry.definitions.values())
    runner = HookRunner()
    yield Lifecycle(pool, registry, runner, ContextFactory(pool, None, sealer, {}), sealer)
    await runner.aclose()


class Deliveries:
    """Makes and reads rows of the delivery log, as the runtime role."""

    def __init__(self, connection) -> None:
        self._connection = connection

    async def add(self, installation, *, status="pending", parked=None, in_flight=False) -> UUID:
        """Make a delivery: queued by default, claimed by a worker, parked for an hour, or ended."""
        delivery, at, lane = uuid4(), datetime.now(UTC), main_lane(installation.plugin)
        row = {
            "id": delivery,
            "at": at,
            "store_id": installation.store_id,
            "installation_id": installation.id,
            "other": uuid4(),
            "lane": lane,
            "status": status,
            "msg_id": None,
            "parked": parked,
            "due": None if parked is None else at + timedelta(hours=1),
            "waiting": at - timedelta(hours=1) if parked == "wait" else None,
        }
        if status == "pending" and parked is None:
            row["msg_id"] = (await self._one("select pgmq.send(%(lane)s, '{}'::jsonb)", row))[0]
        await self._connection.execute(
            """insert into public.plugin_events_log
                 (id, created_at, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane,
                  status, msg_id, park_reason, next_attempt_at, waiting_since)
               values (%(id)s, %(at)s, %(store_id)s, %(other)s, 'order.ready', %(installation_id)s, %(other)s, %(at)s,
                       %(lane)s, %(status)s, %(msg_id)s, %(parked)s, %(due)s, %(waiting)s)""",
            row,
        )
        if in_flight:
            await self._connection.execute("select pgmq.read(%(lane)s, 3600, 1000)", row)
        return delivery

    async def read(self, delivery: UUID) -> tuple:
        """Return (status, msg_id, park_reason, is due, is waiting, is processed)."""
        return await self._one(
            """select status, msg_id, park_reason, next_attempt_at <= now(), waiting_since is not null,
                      processed_at is not null
               from public.plugin_events_log where id = %(id)s""",
            {"id": delivery},
        )

    async def messages(self, slug: str = "courier") -> int:
        """Count what lies in a plugin's lane, what is in flight included."""
        return (await self._one(f"select count(*) from pgmq.q_{main_lane(slug)}", {}))[0]

    async def _one(self, sql: str, values: dict) -> tuple:
        return await (await self._connection.execute(sql, values)).fetchone()


@pytest.fixture
def deliveries(runtime_conn) -> Deliveries:
    return Deliveries(runtime_conn)


@pytest.fixture
def find(pool, store_id):
    async def _find(slug: str = "courier"):
        return await Installations(pool).find(store_id, slug)

    return _find


@pytest.fixture
async def installed(lifecycle, store_id, courier):
    made = await lifecycle.install(store_id, "courier", InstallIn(config={"key": KEY}))
    courier.told.clear()
    return made
