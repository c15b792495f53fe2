"""What the customer reads."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pideai_whatsapp.errors import AmountUnusable
from pideai_whatsapp.text.message import MAX_CHARS, MAX_ITEM_LINES, compose, items_text, token_values
from pideai_whatsapp.text.money import PriceFormat
from pideai_whatsapp.text.preview import tokens_of
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.templates import DEFAULT_TEXTS, MessageType

from pideai_host.api import Address, OrderItem

ITEMS_TEXT = "2 x Arepa reina pepiada (USD 5,00)\n  + Queso (USD 1,00)\n1 x Papelón con limón (USD 2,50)"
ABANDONED_CART, PROMOTION = MessageType.ABANDONED_CART, MessageType.PROMOTION
README = Path(__file__).parent.parent / "README.md"


@pytest.fixture
def text_of(created: Callable[..., Any], store: Store, items: tuple[OrderItem, ...]) -> Callable[..., str]:
    """Compose a message of a kind from a template, for an order with changes."""

    def compose_text(
        template: str, kind: MessageType = MessageType.ORDER_PREPARING, *, of: Any = items, **changes: Any
    ) -> str:
        order = created(**changes)
        return compose(kind, template, order=order, items=of, store=store, base_domain="pideai.com").text

    return compose_text


@pytest.fixture
def values_of(created: Callable[..., Any], store: Store, items: tuple[OrderItem, ...]) -> Callable[..., dict[str, str]]:
    """Return the tokens of an order with changes."""
    return lambda **changes: token_values(created(**changes), items=items, store=store, base_domain="pideai.com")


def test_our_own_confirmation_shows_the_items_the_customer_ordered(text_of: Callable[..., str]) -> None:
    kind = MessageType.ORDER_CONFIRMATION

    assert text_of(DEFAULT_TEXTS[kind], kind) == (
        "¡Hola Ana Pérez! 👋\n\n"
        "*La Arepera* recibió tu pedido #A1B2C3D4.\n\n"
        f"{ITEMS_TEXT}\n\n"
        "*Total: USD 12,50*\nTipo de pedido: Delivery\nTiempo estimado: 45-60 minutos\n\n¡Gracias por tu compra!"
    )


def test_confirmation_without_a_place_for_items_gets_them_below(text_of: Callable[..., str]) -> None:
    text = text_of("Recibido, {customer_name}.", MessageType.ORDER_CONFIRMATION)

    assert text == f"Recibido, Ana Pérez.\n\n*Tu pedido:*\n{ITEMS_TEXT}"


def test_only_a_confirmation_gets_items_that_its_template_does_not_ask_for(text_of: Callable[..., str]) -> None:
    assert text_of("Listo.") == "Listo."


def test_confirmation_of_an_order_whose_items_never_came_goes_out_without(text_of: Callable[..., str]) -> None:
    assert text_of("Recibido.", MessageType.ORDER_CONFIRMATION, of=()) == "Recibido."


def test_token_without_a_value_leaves_one_empty_line(text_of: Callable[..., str]) -> None:
    assert text_of("a\n\n{order_items}\n\nb", of=()) == "a\n\nb"


def test_ready_and_on_the_way_do_not_say_the_same_twice(text_of: Callable[..., str]) -> None:
    ready, on_the_way = (
        text_of(DEFAULT_TEXTS[kind], kind) for kind in (MessageType.ORDER_READY, MessageType.ORDER_OUT_FOR_DELIVERY)
    )

    assert "Saldrá pronto hacia: Calle 5, casa 3" in ready
    assert ready.count("listo") == 1
    assert "camino" not in ready
    assert "va en camino a: Calle 5, casa 3" in on_the_way
    assert "listo" not in on_the_way


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order_type": "delivery", "delivery_address": None}, "Saldrá pronto."),
        ({"order_type": "pickup"}, "Puedes recogerlo en: Av. Bolívar 12, Caracas"),
        ({"order_type": "dine_in"}, "Ya puedes disfrutarlo."),
    ],
)
def test_ready_order_says_what_comes_next(
    changes: dict[str, Any], message: str, values_of: Callable[..., dict[str, str]]
) -> None:
    assert values_of(**changes)["delivery_message"] == message


@pytest.mark.parametrize(
    ("changes", "minutes"),
    [
        ({"order_type": "delivery"}, "45-60 minutos"),
        ({"order_type": "pickup"}, "20-30 minutos"),
        ({"order_type": "dine_in"}, "30-45 minutos"),
        ({"estimated_delivery_minutes": 25}, "25 minutos"),
        ({"estimated_delivery_minutes": 0}, "45-60 minutos"),
    ],
)
def test_estimated_time_is_the_orders_own_or_its_types(
    changes: dict[str, Any], minutes: str, values_of: Callable[..., dict[str, str]]
) -> None:
    assert values_of(**changes)["estimated_time"] == minutes


@pytest.mark.parametrize(
    ("order_type", "label"),
    [("delivery", "Delivery"), ("pickup", "Pick-up"), ("dine_in", "Mesa"), ("digital_menu", "Mesa")],
)
def test_order_type_is_the_stores_own_word(
    order_type: str, label: str, values_of: Callable[..., dict[str, str]]
) -> None:
    assert values_of(order_type=order_type)["order_type"] == label


def test_customer_without_a_name_is_cliente(values_of: Callable[..., dict[str, str]]) -> None:
    assert values_of(customer_name="  ")["customer_name"] == "Cliente"


def test_customer_cannot_write_paragraphs_in_the_stores_name(values_of: Callable[..., dict[str, str]]) -> None:
    name = values_of(customer_name="Ana\n\nPaga en:\nhttp://x " + "x" * 10_000)["customer_name"]

    assert "\n" not in name
    assert len(name) == 80


def test_values_are_not_expanded_again(text_of: Callable[..., str]) -> None:
    assert text_of("{customer_name}", customer_name="{order_total} $1 {store_name}") == "{order_total} $1 {store_name}"


def test_unknown_tokens_are_named_and_stay(created: Callable[..., Any], store: Store) -> None:
    rendered = compose(
        MessageType.ORDER_READY,
        "{customer_name} {cart_total} {order-number}",
        order=created(),
        items=(),
        store=store,
        base_domain="pideai.com",
    )

    assert rendered.unknown == ("cart_total", "order-number")
    assert rendered.text == "Ana Pérez {cart_total} {order-number}"


def test_message_is_never_longer_than_whatsapp_takes(text_of: Callable[..., str]) -> None:
    assert len(text_of("{customer_name}\n" * 1_000, customer_name="Ana " * 20)) == MAX_CHARS


def test_a_hundred_items_are_cut_and_counted() -> None:
    hundred = tuple(OrderItem(name=f"Cosa {n}", quantity=1, unit_price=Decimal(1)) for n in range(100))

    lines = items_text(hundred, PriceFormat()).split("\n")

    assert len(lines) == MAX_ITEM_LINES + 1
    assert lines[-1] == "… y 60 más"


def test_total_that_is_no_number_cannot_be_written(values_of: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(AmountUnusable):
        values_of(total=Decimal("NaN"))


def test_readme_tells_every_token_with_its_true_value(values_of: Callable[..., dict[str, str]], store: Store) -> None:
    rows = re.findall(r"^\| `\{(\w+)\}` \|.*\| (.*) \|$", README.read_text("utf-8"), re.MULTILINE)
    told = {name: example.strip().strip("`").replace("<br>", "\n") for name, example in rows}
    others = [tokens_of(kind, store, base_domain="pideai.com") for kind in (ABANDONED_CART, PROMOTION)]

    assert told == {**others[0], **others[1], **values_of(delivery_address=Address(text="Calle 5, casa 3"))}
