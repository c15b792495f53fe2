"""Money is exact, rounded half up, and written the store's way."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.errors import AmountUnusable
from pideai_whatsapp.text.money import PriceFormat, format_bolivares, format_price

AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=4, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("amount", "style", "written"),
    [
        ("1749.3", PriceFormat(), "USD 1,749.30"),
        ("1749.3", PriceFormat(thousands=".", decimal=","), "USD 1.749,30"),
        ("2.5", PriceFormat(places=0), "USD 3"),
        ("3.5", PriceFormat(places=0), "USD 4"),
        ("0.005", PriceFormat(), "USD 0.01"),
        ("-0.004", PriceFormat(), "USD 0.00"),
        ("-5", PriceFormat(), "USD -5.00"),
        ("1234567.89", PriceFormat(thousands="", decimal=","), "USD 1234567,89"),
        ("1.00005", PriceFormat(places=4), "USD 1.0001"),
        ("1000000", PriceFormat(currency="€", thousands=" ", places=0), "€ 1 000 000"),
    ],
)
def test_price_is_currency_then_grouped_number_rounded_half_up(amount: str, style: PriceFormat, written: str) -> None:
    assert format_price(Decimal(amount), style) == written


def test_bolivares_have_a_format_of_their_own() -> None:
    assert format_bolivares(Decimal("1749.3")) == "Bs. 1.749,30"


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "1E+15", "1E+999999"])
def test_amount_beyond_sense_is_refused(amount: str) -> None:
    with pytest.raises(AmountUnusable):
        format_price(Decimal(amount), PriceFormat())


@given(amount=AMOUNTS, places=st.integers(0, 4))
def test_written_price_reads_back_within_half_a_unit_of_its_last_place(amount: Decimal, places: int) -> None:
    written = format_price(amount, PriceFormat(currency="X", thousands=".", decimal=",", places=places))

    read = Decimal(written.removeprefix("X ").replace(".", "").replace(",", "."))

    assert abs(read - amount) <= Decimal(1).scaleb(-places) / 2


@given(amount=AMOUNTS)
def test_groups_hold_three_digits_but_the_first(amount: Decimal) -> None:
    whole = format_bolivares(amount).removeprefix("Bs. ").removeprefix("-").partition(",")[0]

    first, *others = whole.split(".")

    assert 1 <= len(first) <= 3
    assert all(len(group) == 3 for group in others)
