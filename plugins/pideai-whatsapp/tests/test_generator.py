"""The message generator: every token as the storefront writes it, money exact, nothing expanded twice."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.errors import AmountUnusable
from pideai_whatsapp.text.generator import ALIASES, OrderMessage, order_values, write_order
from pideai_whatsapp.text.message import MAX_CHARS
from pideai_whatsapp.text.money import PriceFormat, format_bolivares
from pideai_whatsapp.text.order_style import OrderStyle
from pideai_whatsapp.text.preview import SAMPLE_ITEMS, SAMPLE_ORDER
from pideai_whatsapp.text.store import Store

from pideai_host.api import OrderItem, OrderItemExtra, OrderPayload

DOCS = Path(__file__).parent.parent / "docs/message-generator.md"
STORE = Store(
    name="La Arepera",
    subdomain="laarepera",
    country="venezuela",
    price_format=PriceFormat(currency="USD", thousands=".", decimal=",", places=2),
    delivery_label="Delivery",
    pickup_label="Pick-up",
    digital_menu_label="Mesa",
)
ORDER = msgspec.structs.replace(SAMPLE_ORDER, notes=None)
AT = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
MONEY = {"total", "delivery_price", "coupon_discount", "rate"}


def examples() -> list[Any]:
    rows = re.findall(r"^\| (?:`(\{.*?\})` )?\| `([^`]+)` \| (?:`([^`]*)` )?\|$", DOCS.read_text("utf-8"), re.MULTILINE)
    return [
        pytest.param(json.loads(given or "{}"), template, value.replace("<br>", "\n"), id=f"{template} {given}")
        for given, template, value in rows
    ]


def message_of(**given: Any) -> OrderMessage:
    """Make the example order, each change where it belongs by its name."""
    parts = {name: Decimal(value) if name in MONEY else value for name, value in given.items()}

    def changed(base: Any) -> Any:
        return msgspec.structs.replace(base, **{n: v for n, v in parts.items() if n in type(base).__struct_fields__})

    prices = {n: v for n, v in parts.items() if n in PriceFormat.__struct_fields__}
    store = msgspec.structs.replace(changed(STORE), price_format=msgspec.structs.replace(STORE.price_format, **prices))
    return OrderMessage(
        order=changed(ORDER),
        items=parts.get("items", SAMPLE_ITEMS),
        store=store,
        style=changed(OrderStyle()),
        base_domain="pideai.com",
        at=AT,
        proof_url=parts.get("proof_url"),
    )


@pytest.mark.parametrize(("given", "template", "value"), examples())
def test_worked_example_of_the_docs_holds(given: dict[str, Any], template: str, value: str) -> None:
    assert write_order(message_of(**given), template=template).text == value


def test_docs_show_every_token() -> None:
    shown = set(re.findall(r"\| `\{([\w-]+)\}` \|", DOCS.read_text("utf-8")))

    assert order_values(message_of()).keys() <= shown


@pytest.mark.parametrize(
    ("order_type", "chosen"),
    [
        ("pickup", "pickup"),
        ("digital_menu", "digital_menu"),
        ("dine_in", "digital_menu"),
        ("delivery", "delivery"),
        ("drone", "delivery"),
    ],
)
def test_order_type_chooses_the_template(order_type: str, chosen: str) -> None:
    style = {name: name for name in ("delivery", "pickup", "digital_menu")}

    assert write_order(message_of(order_type=order_type, **style)).text == chosen


def test_a_new_stores_delivery_message_is_whole() -> None:
    composed = write_order(message_of(rate="36.5"))

    assert composed.unknown == ()
    assert "{" not in composed.text
    assert composed.text.startswith(
        "🛵 *Nuevo pedido #A1B2C3D4*\n23/11/26, 8:05\nDelivery\n\n*Productos:*\n• *2x Arepa"
    )


@pytest.mark.parametrize("name", list(ALIASES))
def test_both_names_of_a_token_mean_the_same(name: str) -> None:
    values = order_values(message_of(rate="36.5", payment_proof_url="https://example.com"))

    assert values[ALIASES[name]] == values[name] != ""


def test_every_occurrence_is_replaced() -> None:
    assert write_order(message_of(), template="{order-number}{order-number} {order-number}").text == (
        "A1B2C3D4A1B2C3D4 A1B2C3D4"
    )


TOKENS = st.sampled_from(["{order-total}", "{order-products}", "{product-price}", "$1", "$&", "{tracking_link}", "{x}"])


@given(words=st.lists(st.one_of(TOKENS, st.text(alphabet="ab ", min_size=1, max_size=5)), min_size=1, max_size=6))
def test_no_value_is_ever_expanded(words: list[str]) -> None:
    name = " ".join("".join(words).split()) or "x"
    items = (OrderItem(name=name, quantity=1, unit_price=Decimal(1), extras=(OrderItemExtra(name=name),)),)

    composed = write_order(
        message_of(items=items, customer_name=name, product="<{product-name}>{product-extras}"),
        template="[{customer-name}][{order-products}]",
    )

    assert composed.text == f"[{name}][<{name}>  + {name} (USD 0,00)]"


@given(
    total=st.decimals(0, 10**7, places=2),
    rate=st.decimals(min_value="0.000001", max_value=10**6, places=6),
)
def test_bolivares_are_total_times_rate_rounded_half_up_once(total: Decimal, rate: Decimal) -> None:
    values = order_values(message_of(total=total, rate=rate))

    assert values["order-total-bolivares"] == format_bolivares(total * rate)


@given(rate=st.decimals(max_value=0, places=6, min_value=-1000))
def test_without_a_rate_no_amount_is_converted(rate: Decimal) -> None:
    values = order_values(message_of(rate=rate))

    assert (values["order-total-bolivares"], values["order-subtotal-bolivares"]) == ("", "")


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_template_and_notes_make_a_trimmed_text_that_fits(template: str, notes: str) -> None:
    text = write_order(message_of(notes=notes), template=template).text

    assert text == text.strip()
    assert len(text) <= MAX_CHARS


def test_line_breaks_of_a_customer_stay_in_the_notes_alone() -> None:
    made = message_of(customer_name="Ana\nPérez", notes=" uno\ndos ")

    assert write_order(made, template="{customer-name}").text == "Ana Pérez\n\nNotas: uno\ndos"


def test_many_items_are_counted_beyond_what_fits() -> None:
    items = tuple(OrderItem(name="Cosa", quantity=1, unit_price=Decimal(1)) for _ in range(100))

    assert order_values(message_of(items=items))["order-products"].endswith("\n… y 40 más")


def test_total_that_is_no_number_cannot_be_written() -> None:
    with pytest.raises(AmountUnusable):
        write_order(message_of(total="NaN"))


def test_sample_order_is_an_order() -> None:
    assert isinstance(ORDER, OrderPayload)
