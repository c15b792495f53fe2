"""Rows of abandoned carts: forgiving about what storefronts wrote, strict about what an event needs."""

import json
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.events.carts import items_of, read_cart
from pideai_host.events.rows import NotUnderstood

ROW = {
    "id": "5a1c8d4e-6f0b-4b8e-9d55-0c6a52f6b0a1",
    "store_id": "5a1c8d4e-6f0b-4b8e-9d55-0c6a52f6b0a2",
    "cart_total": 12.5,
    "created_at": "2026-11-23T10:00:00+00:00",
}


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_a_cart_needs_id_store_total_and_creation_only() -> None:
    cart = read_cart(raw(ROW | {"unknown": 1}))

    assert (cart.id, cart.cart_total) == (UUID(ROW["id"]), Decimal("12.5"))


@pytest.mark.parametrize("column", sorted(ROW))
def test_a_cart_without_one_of_them_is_a_bad_row(column: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        read_cart(raw(ROW | {column: None}))

    assert caught.value.reason == "bad_row"


@pytest.mark.parametrize("column", ["created_at", "expires_at"])
def test_a_date_that_utc_does_not_have_is_a_bad_row(column: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        read_cart(raw(ROW | {column: "9999-12-31T23:59:59.999999-14:00"}))

    assert caught.value.reason == "bad_row"


def test_a_total_that_is_no_amount_is_a_bad_row() -> None:
    with pytest.raises(NotUnderstood, match="cart_total is NaN"):
        read_cart(raw(ROW | {"cart_total": "NaN"}))


@pytest.mark.parametrize(
    ("cart_data", "expected"),
    [
        ([{"name": "Arepa"}, 2], [{"name": "Arepa"}, 2]),
        ({"items": [1], "total": 3}, [1]),
        ([], []),
        (None, []),
        ({"total": 3}, []),
        ("Arepa", []),
    ],
    ids=["a list", "an object around it", "empty", "nothing", "no items", "not a cart"],
)
def test_items_are_the_storefronts_own(cart_data: object, expected: list[object]) -> None:
    assert [json.loads(bytes(item)) for item in items_of(raw(cart_data))] == expected


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_a_cart_or_none(cart_data: object) -> None:
    assert isinstance(items_of(raw(cart_data)), list)


def test_numbers_of_items_are_passed_on_to_the_last_digit() -> None:
    [item] = items_of(msgspec.Raw(b'[{"price": 9007199254740993.010}]'))

    assert bytes(item) == b'{"price": 9007199254740993.010}'
