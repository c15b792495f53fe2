"""Tokens by kind, and what a template looks like before anybody gets it."""

import pytest
from pideai_whatsapp.text.preview import MEANINGS, preview, tokens_of, unknown_in
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.templates import DEFAULT_TEXTS, TEMPLATE_NAMES, MessageType

DOMAIN = "pideai.com"


def test_there_are_eight_templates_each_with_a_text_of_ours() -> None:
    assert len(TEMPLATE_NAMES) == 8
    assert TEMPLATE_NAMES.keys() == DEFAULT_TEXTS.keys()


@pytest.mark.parametrize("kind", list(TEMPLATE_NAMES))
def test_our_own_texts_hold_known_tokens_only(kind: MessageType, store: Store) -> None:
    assert unknown_in(kind, DEFAULT_TEXTS[kind], store) == ()


@pytest.mark.parametrize("kind", list(TEMPLATE_NAMES))
def test_every_token_has_a_meaning_and_an_example(kind: MessageType, store: Store) -> None:
    tokens = tokens_of(kind, store, base_domain=DOMAIN)

    assert all(example.strip() for example in tokens.values())
    assert tokens.keys() <= MEANINGS.keys()


def test_every_meaning_is_of_some_token(store: Store) -> None:
    assert MEANINGS.keys() == {name for kind in TEMPLATE_NAMES for name in tokens_of(kind, store, base_domain=DOMAIN)}


@pytest.mark.parametrize(
    ("kind", "body", "unknown"),
    [
        (MessageType.ORDER_READY, "{customer_name} {cart_total}", ("cart_total",)),
        (MessageType.ABANDONED_CART, "{customer_name} {order_number} {b} {a}", ("a", "b", "order_number")),
        (MessageType.PROMOTION, "{promotion_message} {store_link}", ()),
        (MessageType.ORDER_READY, "{ no token } {} {1}", ()),
    ],
)
def test_what_a_kind_does_not_know_is_named(
    kind: MessageType, body: str, unknown: tuple[str, ...], store: Store
) -> None:
    assert unknown_in(kind, body, store) == unknown


@pytest.mark.parametrize("kind", list(TEMPLATE_NAMES))
def test_preview_leaves_no_token_open(kind: MessageType, store: Store) -> None:
    composed = preview(kind, DEFAULT_TEXTS[kind], store, base_domain=DOMAIN)

    assert "{" not in composed.text
    assert "La Arepera" in composed.text


def test_preview_speaks_in_the_stores_own_money(store: Store) -> None:
    assert preview(MessageType.ABANDONED_CART, "{cart_total}", store, base_domain=DOMAIN).text == "USD 12,50"
    assert preview(MessageType.ORDER_READY, "{order_total}", store, base_domain=DOMAIN).text == "USD 15,00"


@pytest.mark.parametrize("kind", [MessageType.CAMPAIGN, MessageType.MANUAL])
def test_what_has_no_template_is_not_among_them(kind: MessageType) -> None:
    assert kind not in TEMPLATE_NAMES


def test_ready_text_of_a_delivery_order_does_not_say_that_it_is_on_its_way(store: Store) -> None:
    ready = preview(MessageType.ORDER_READY, DEFAULT_TEXTS[MessageType.ORDER_READY], store, base_domain=DOMAIN)
    leaves = preview(
        MessageType.ORDER_OUT_FOR_DELIVERY,
        DEFAULT_TEXTS[MessageType.ORDER_OUT_FOR_DELIVERY],
        store,
        base_domain=DOMAIN,
    )

    assert "en camino" not in ready.text
    assert "en camino" in leaves.text
