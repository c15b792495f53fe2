"""What the tests of this package share: a context whose every part can be looked into, and orders to tell about."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from pideai_whatsapp.plugin import WhatsAppPlugin
from pideai_whatsapp.sending.facts import CartState, Draft, Earlier, Facts, OrderChange, SendState
from pideai_whatsapp.text.money import PriceFormat
from pideai_whatsapp.text.order_style import OrderStyle
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.templates import MessageType

from pideai_host.api import (
    Address,
    CreditsExhausted,
    DeliveryInfo,
    Installation,
    OrderCreatedPayload,
    OrderItem,
    OrderItemExtra,
    OrderPayload,
    OrderStatusPayload,
    PluginEvent,
    PluginEventResult,
    StoreUnknown,
)
from whatsapp_fakes.evolution import Canned, FakeEvolution

STORE_ID = UUID("11111111-1111-4111-8111-111111111111")
ORDER_ID = UUID("a1b2c3d4-2222-4222-8222-222222222222")
DELIVERY_ID = UUID("33333333-3333-4333-8333-333333333333")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OPERATOR_KEY = "operator-key"
EVOLUTION: Mapping[str, Any] = {"provider": "evolution"}


class FakeLog:
    """Keeps what was logged as (level, event, facts)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **facts: self.lines.append((level, event, facts))


class FakeSecrets:
    """Secrets as two dicts: the operator's `values`, and the store's `own` by pointer."""

    def __init__(self, operator: dict[str, str]) -> None:
        self.values = operator
        self.own: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        return self.own.get(name)

    def operator(self, name: str) -> str | None:
        return self.values.get(name)


class FakeCredits:
    """One delivery's way through the credits: a balance, and what this delivery holds of it."""

    def __init__(self, balance: int = 10) -> None:
        self.balance = balance
        self.is_held = False
        self.is_charged = False

    async def reserve(self) -> str:
        if not (self.is_held or self.is_charged):
            if self.balance == 0:
                raise CreditsExhausted("nothing left")
            self.balance -= 1
            self.is_held = True
        return "monthly"

    async def refund(self) -> None:
        if self.is_held:
            self.balance += 1
            self.is_held = False

    async def charge(self) -> None:
        self.is_charged = self.is_charged or self.is_held
        self.is_held = False


class FakeStorage:
    """A dict."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    async def get(self, key: str) -> Any:
        return self.values.get(key)

    async def set(self, key: str, value: Any) -> None:
        self.values[key] = value

    async def set_new(self, key: str, value: Any) -> bool:
        is_new = key not in self.values
        self.values.setdefault(key, value)
        return is_new

    async def delete(self, key: str) -> None:
        self.values.pop(key, None)


class FakeContext:
    """A `PluginContext` for one delivery of one store."""

    def __init__(self) -> None:
        self.store_id = STORE_ID
        self.plugin = "whatsapp"
        self.installation = Installation(id=UUID(int=1), store_id=STORE_ID, plugin="whatsapp")
        self.delivery: DeliveryInfo | None = DeliveryInfo(id=DELIVERY_ID, attempt=1)
        self.http: Any = None
        self.secrets = FakeSecrets({})
        self.credits = FakeCredits()
        self.storage = FakeStorage()
        self.db: Any = None
        self.supabase = None
        self.log = FakeLog()
        self.notices: list[tuple[str, str]] = []

    def emit(self, event_type: str, payload: Any, *, key: str, bulk: bool = False) -> UUID:
        raise AssertionError("this plugin emits nothing")

    async def notify(self, message: str, *, level: str = "info") -> None:
        self.notices.append((level, message))


class FakeRecords:
    """`Records` in memory, with the rules of the SQL: who may claim, and that what was accepted stays accepted."""

    def __init__(self, facts: Facts) -> None:
        self.known: Facts | None = facts
        self.doubts: list[str] = []
        self.rows: dict[UUID, dict[str, Any]] = {}
        self.orders: dict[UUID, OrderPayload] = {}
        self.order_items: tuple[OrderItem, ...] = ()
        self.item_reads = 0
        self.foreign_instances: set[str] = set()
        self.opted_out: set[str] = set()
        self.carts: dict[UUID, CartState] = {}
        self.reminded: list[UUID] = []
        self.claimed_for_s = 100.0

    async def facts(
        self,
        kind: MessageType,
        message_id: UUID,
        *,
        order_id: UUID | None = None,
        change: OrderChange | None = None,
        campaign_id: UUID | None = None,
    ) -> Facts:
        if self.known is None:
            raise StoreUnknown(STORE_ID)
        row = self.rows.get(message_id)
        earlier = None
        if row is not None:
            earlier = Earlier(
                state=SendState(row["state"]),
                provider=row.get("provider"),
                provider_message_id=row.get("provider_message_id"),
                claimed_for_s=self.claimed_for_s,
            )
        return msgspec.structs.replace(self.known, earlier=earlier)

    async def order_style(self, order_id: UUID | None = None) -> tuple[OrderStyle, str | None]:
        return OrderStyle(), None

    async def order(self, order_id: UUID) -> OrderPayload | None:
        return self.orders.get(order_id)

    async def items(self, order_id: UUID) -> tuple[OrderItem, ...]:
        self.item_reads += 1
        return self.order_items

    async def cart(self, cart_id: UUID, phone: Phone) -> CartState | None:
        return self.carts.get(cart_id)

    async def mark_reminded(self, cart_id: UUID) -> None:
        self.reminded.append(cart_id)

    async def is_opted_out(self, phone: Phone) -> bool:
        return phone in self.opted_out

    async def is_foreign_instance(self, instance_name: str) -> bool:
        return instance_name in self.foreign_instances

    async def doubt_channel(self, provider: str) -> None:
        self.doubts.append(provider)

    async def claim(self, draft: Draft, *, credit_type: str, provider: str, delivery_id: UUID | None) -> int:
        row = self.rows.get(draft.id)
        if row is not None and row["state"] not in ("new", "refused"):
            return 0
        claims = 1 if row is None else row.get("claims", 0) + 1
        self.rows[draft.id] = {
            "state": "claimed",
            "draft": draft,
            "credit_type": credit_type,
            "provider": provider,
            "error": None,
            "claims": claims,
        }
        return claims

    async def settle(
        self,
        message_id: UUID,
        state: SendState,
        *,
        provider_message_id: str | None = None,
        error: str | None = None,
        is_final: bool = True,
    ) -> Earlier:
        row = self.rows[message_id]
        told = row.get("provider_message_id")
        if row["state"] != "accepted":
            is_known = state is SendState.UNKNOWN and told is not None
            row["state"] = "accepted" if is_known else state.value
        row.update(provider_message_id=provider_message_id or told, error=error, is_final=is_final)
        return Earlier(state=SendState(row["state"]), provider_message_id=row["provider_message_id"])

    async def close(self, message_id: UUID, *, error: str) -> None:
        row = self.rows.get(message_id)
        if row is not None and row["state"] in ("new", "refused"):
            row.update(state="refused", error=error)

    @property
    def row(self) -> dict[str, Any]:
        """The only row there is."""
        (only,) = self.rows.values()
        return only


AREPAS = (
    OrderItem(
        name="Arepa reina pepiada",
        quantity=2,
        unit_price=Decimal("4.00"),
        extras=(OrderItemExtra(name="Queso", price=Decimal("1.00")),),
    ),
    OrderItem(name="Papelón con limón", quantity=1, unit_price=Decimal("2.50")),
)

STORE = Store(
    name="La Arepera",
    subdomain="laarepera",
    address="Av. Bolívar 12, Caracas",
    country="venezuela",
    price_format=PriceFormat(currency="USD", thousands=".", decimal=",", places=2),
    delivery_label="Delivery",
    pickup_label="Pick-up",
    digital_menu_label="Mesa",
)

_ORDER: Mapping[str, Any] = {
    "order_id": ORDER_ID,
    "order_number": "A1B2C3D4",
    "status": "pending",
    "customer_name": "Ana Pérez",
    "customer_phone": "0414-1234567",
    "order_type": "delivery",
    "total": Decimal("12.50"),
    "currency": "USD",
    "delivery_address": Address(text="Calle 5, casa 3"),
}


def _created(**changes: Any) -> OrderCreatedPayload:
    return OrderCreatedPayload(**{**_ORDER, "items": AREPAS, "items_complete": True, **changes})


def _moved(status: str, previous_status: str = "pending", **changes: Any) -> OrderStatusPayload:
    return OrderStatusPayload(**{**_ORDER, "status": status, "previous_status": previous_status, **changes})


def _event(event_type: str, payload: Any) -> PluginEvent:
    return PluginEvent(id=UUID(int=7), type=event_type, store_id=STORE_ID, timestamp=NOW, payload=payload)


@pytest.fixture
def created() -> Callable[..., OrderCreatedPayload]:
    """Make a new order of two arepas and a drink."""
    return _created


@pytest.fixture
def moved() -> Callable[..., OrderStatusPayload]:
    """Make an order that moved to a status."""
    return _moved


@pytest.fixture
def event() -> Callable[[str, Any], PluginEvent]:
    """Make an event of the store."""
    return _event


@pytest.fixture
def store() -> Store:
    """A Venezuelan store that prices in dollars."""
    return STORE


@pytest.fixture
def items() -> tuple[OrderItem, ...]:
    """Two arepas with cheese and a drink: 12,50 in all."""
    return AREPAS


@pytest.fixture
def records() -> FakeRecords:
    """A store with its phone linked, WhatsApp on, and no template of its own."""
    return FakeRecords(Facts(store=STORE, is_enabled=True, is_connected=True))


@pytest.fixture
def context() -> FakeContext:
    """A delivery's first attempt, ten credits, no operator settings."""
    return FakeContext()


@pytest.fixture(scope="session")
def make_life() -> Callable[[int], tuple[FakeContext, FakeRecords, PluginEvent]]:
    """Make the context, the records and the event of one delivery, with so many credits."""

    def make(balance: int) -> tuple[FakeContext, FakeRecords, PluginEvent]:
        context = FakeContext()
        context.credits = FakeCredits(balance)
        records = FakeRecords(Facts(store=STORE, is_enabled=True, is_connected=True))
        return context, records, _event("order.created", _created())

    return make


@pytest.fixture
def plugin(records: FakeRecords) -> WhatsAppPlugin:
    """The plugin on `records`, at a fixed time."""
    return WhatsAppPlugin(records=lambda _: records, now=lambda: NOW)


@pytest.fixture
def confirm(plugin: WhatsAppPlugin, context: FakeContext) -> Callable[..., Awaitable[PluginEventResult]]:
    """Deliver ``order.created`` once, by default through Evolution."""

    async def handle(config: Mapping[str, Any] = EVOLUTION, **changes: Any) -> PluginEventResult:
        return await plugin.handle_event(_event("order.created", _created(**changes)), config, context)

    return handle


@pytest.fixture
def canned() -> Callable[..., Any]:
    """Make an answer for `evolution.canned`."""
    return Canned


@pytest.fixture
async def evolution(context: FakeContext) -> AsyncIterator[Any]:
    """A fake server with the store's instance open, wired into `context`."""
    fake = FakeEvolution(OPERATOR_KEY)
    fake.states["laarepera"] = "open"
    async with fake, httpx.AsyncClient() as client:
        context.http = client
        context.secrets.values.update(evolution_api_url=fake.url, evolution_api_key=OPERATOR_KEY)
        yield fake
