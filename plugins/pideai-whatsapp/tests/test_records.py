"""What the rows of the shop's tables become; the statements themselves run in the host's integration tests."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pideai_whatsapp.errors import AmountUnusable, RecordLost
from pideai_whatsapp.sending.facts import Draft, SendState
from pideai_whatsapp.sending.records import SqlRecords
from pideai_whatsapp.text.money import PriceFormat
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.templates import MessageType

from pideai_host.api import OrderItem, OrderItemExtra, StoreUnknown

STORE = UUID(int=1)
MESSAGE = UUID(int=2)

BARE_ROW = {
    "name": "Bodega",
    "subdomain": "bodega",
    "address": "",
    "country": None,
    "currency": None,
    "thousands_separator": None,
    "decimal_separator": None,
    "decimal_places": None,
    "delivery_label": None,
    "pickup_label": None,
    "digital_menu_label": None,
    "is_enabled": True,
    "is_connected": False,
    "message_body": None,
    "is_wanted": True,
    "panel": None,
    "is_adopted": False,
    "campaign_status": None,
    "state": None,
    "was_said": False,
    "side": "host",
}


class ScriptedDatabase:
    """Answers every statement with the same rows, and keeps what was asked."""

    def __init__(self, *rows: Mapping[str, Any], touched: int = 1) -> None:
        self.rows = list(rows)
        self.touched = touched
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    async def fetch(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Mapping[str, Any]]:
        self.asked.append((sql, params or {}))
        return self.rows

    async def fetch_one(self, sql: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        return next(iter(await self.fetch(sql, params)), None)

    async def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        await self.fetch(sql, params)
        return self.touched


def item_row(extras: str | None, price: str = "4.00") -> dict[str, Any]:
    return {"name": "Arepa", "quantity": 2, "unit_price": price, "extras": extras}


async def test_columns_that_are_null_fall_back_to_the_message_generators_own() -> None:
    facts = await SqlRecords(ScriptedDatabase(BARE_ROW), STORE).facts(MessageType.ORDER_READY, MESSAGE)

    assert facts.store.price_format == PriceFormat(currency="USD", thousands=",", decimal=".", places=2)
    assert facts.store.label_of("delivery") == "Entrega a domicilio"
    assert facts.store.label_of("pickup") == "Recoger en tienda"
    assert facts.store.label_of("dine_in") == "Para comer en el lugar"


async def test_empty_separator_is_a_choice_not_an_absence() -> None:
    row = {**BARE_ROW, "thousands_separator": "", "decimal_places": 0}

    facts = await SqlRecords(ScriptedDatabase(row), STORE).facts(MessageType.ORDER_READY, MESSAGE)

    assert (facts.store.price_format.thousands, facts.store.price_format.places) == ("", 0)


async def test_panels_switches_are_those_that_are_set() -> None:
    row = {**BARE_ROW, "panel": {"auto_order_ready": False, "auto_abandoned_cart": True, "is_enabled": True}}

    facts = await SqlRecords(ScriptedDatabase(row), STORE).facts(MessageType.ORDER_READY, MESSAGE)

    assert facts.panel == {MessageType.ORDER_READY: False, MessageType.ABANDONED_CART: True}


async def test_store_that_is_gone_is_unknown() -> None:
    with pytest.raises(StoreUnknown):
        await SqlRecords(ScriptedDatabase(), STORE).facts(MessageType.ORDER_READY, MESSAGE)


@pytest.mark.parametrize(
    ("extras", "read"),
    [
        (None, ()),
        ("null", ()),
        ("[]", ()),
        ('[{"name": "Queso", "price": "1.10"}]', (OrderItemExtra(name="Queso", price=Decimal("1.10")),)),
        ('[{"name": "Queso", "price": 1.10}]', (OrderItemExtra(name="Queso", price=Decimal("1.10")),)),
        ('[{"extra_name": "Ají", "extra_price": 2}]', (OrderItemExtra(name="Ají", price=Decimal(2)),)),
        ('[{"name": "Ají", "price": null}]', (OrderItemExtra(name="Ají", price=Decimal(0)),)),
        ('[{"price": 2}]', ()),
        ('{"name": "not a list"}', ()),
        ("[1, 2]", ()),
    ],
)
async def test_extras_are_read_from_the_table_or_the_storefronts_json(
    extras: str | None, read: tuple[OrderItemExtra, ...]
) -> None:
    items = await SqlRecords(ScriptedDatabase(item_row(extras)), STORE).items(UUID(int=3))

    assert items == (OrderItem(name="Arepa", quantity=2, unit_price=Decimal("4.00"), extras=read),)


@pytest.mark.parametrize("row", [item_row('[{"name": "x", "price": "free"}]'), item_row(None, price="dear")])
async def test_price_that_is_no_number_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(AmountUnusable):
        await SqlRecords(ScriptedDatabase(row), STORE).items(UUID(int=3))


async def test_update_that_meets_no_row_is_an_error() -> None:
    with pytest.raises(RecordLost):
        await SqlRecords(ScriptedDatabase(), STORE).settle(MESSAGE, SendState.ACCEPTED, provider_message_id="x")


async def test_every_statement_is_bound_to_the_store() -> None:
    db = ScriptedDatabase({**BARE_ROW, "is_foreign": False, "claims": 1})
    records = SqlRecords(db, STORE)
    draft = Draft(
        id=MESSAGE,
        order_id=UUID(int=3),
        kind=MessageType.ORDER_READY,
        phone=Phone("+584141234567"),
        customer_name="Ana",
        text="hola",
    )

    db.rows[0] |= {"quantity": 1, "unit_price": "1", "extras": None}
    await records.facts(MessageType.ORDER_READY, MESSAGE)
    await records.items(UUID(int=3))
    await records.is_foreign_instance("x")
    await records.claim(draft, credit_type="monthly", provider="console", delivery_id=None)
    db.rows[0] |= {"state": "refused", "provider_message_id": None}
    await records.settle(MESSAGE, SendState.REFUSED, error="x")
    await records.close(MESSAGE, error="x")
    db.rows[0] |= {"is_open": True, "has_ordered": False}
    await records.cart(UUID(int=4), Phone("+584141234567"))
    await records.mark_reminded(UUID(int=4))
    db.rows[0] |= {"line": "58"}
    await records.is_opted_out(Phone("+584141234567"))

    assert len(db.asked) == 9
    assert all("%(store_id)s" in sql and params["store_id"] == STORE for sql, params in db.asked)
