"""A customer's phone becomes E.164 by the store's country, or is refused with a reason for the owner."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.errors import PhoneUnusable
from pideai_whatsapp.text.phones import Phone, digits_of, line_of, masked, region_of, to_e164


@pytest.mark.parametrize(
    ("typed", "region", "phone"),
    [
        ("0414-1234567", "VE", "+584141234567"),
        ("4141234567", "VE", "+584141234567"),
        ("0422 123.45.67", "VE", "+584221234567"),
        ("58 0414 1234567", "VE", "+584141234567"),
        ("5804141234567", "VE", "+584141234567"),
        ("+58 0414 1234567", "VE", "+584141234567"),
        ("(+58) 414-1234567", "VE", "+584141234567"),
        ("+58 414 1234567", "BR", "+584141234567"),
        ("584141234567", "BR", "+584141234567"),
        ("0058 414 1234567", "VE", "+584141234567"),
        ("0212-1234567", "VE", "+582121234567"),
        ("5511987654321", "VE", "+5511987654321"),
        ("(11) 98765-4321", "BR", "+5511987654321"),
        ("011 98765-4321", "BR", "+5511987654321"),
        ("5511987654321", "BR", "+5511987654321"),
        ("55 1234 5678", "MX", "+525512345678"),
        ("5215512345678", "VE", "+525512345678"),
        ("+52 1 55 1234 5678", "MX", "+525512345678"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("5491123456789", "VE", "+5491123456789"),
        ("+54 9 11 2345-6789", "AR", "+5491123456789"),
        ("+54 11 15 2345 6789", "AR", "+5491123456789"),
        ("9 11 2345-6789", "AR", "+5491123456789"),
        ("011 2345-6789", "AR", "+541123456789"),
        ("  0414–1234567  ", "VE", "+584141234567"),  # noqa: RUF001 - a dash that people type
    ],
)
def test_phone_is_read_in_the_stores_country_then_as_international(typed: str, region: str, phone: str) -> None:
    assert to_e164(typed, region=region) == phone


@pytest.mark.parametrize(
    "typed",
    ["hola", "123", "0000000000", "0414-HOLA567", "+58 4141234567890", "58414123456", "0414-1234567 / 0412-7654321"],
)
def test_what_cannot_be_a_phone_is_refused_and_shown(typed: str) -> None:
    with pytest.raises(PhoneUnusable, match="no es un número válido") as refused:
        to_e164(typed, region="VE")

    assert typed[:32] in refused.value.message


@pytest.mark.parametrize("typed", [None, "", "   "])
def test_missing_phone_is_named_as_missing(typed: str | None) -> None:
    with pytest.raises(PhoneUnusable, match="Falta el teléfono"):
        to_e164(typed, region="VE")


@given(typed=st.text(max_size=80), region=st.sampled_from(["VE", "BR", "MX", "AR", "US"]))
def test_any_text_becomes_e164_or_is_refused_in_one_short_line(typed: str, region: str) -> None:
    assert re.fullmatch(r"\+[1-9][0-9]{7,14}|(?:El|Falta) [^\n]{1,90}\.", _phone_or_refusal(typed, region))


def _phone_or_refusal(typed: str, region: str) -> str:
    try:
        return to_e164(typed, region=region)
    except PhoneUnusable as refused:
        return refused.message


@given(number=st.integers(0, 9_999_999), prefix=st.sampled_from(["412", "414", "416", "424", "426"]))
def test_every_spelling_of_a_venezuelan_mobile_is_one_phone(number: int, prefix: str) -> None:
    national = f"{prefix}{number:07}"
    spellings = [national, f"0{national}", f"58{national}", f"580{national}", f"+58{national}", f"+58 0{national}"]

    assert {to_e164(spelling, region="VE") for spelling in spellings} == {f"+58{national}"}


@pytest.mark.parametrize(
    ("country", "region"),
    [
        (None, "VE"),
        ("", "VE"),
        ("venezuela", "VE"),
        ("Brazil", "BR"),
        ("Brasil", "BR"),
        ("México", "MX"),
        ("mx", "MX"),
        ("AR", "AR"),
        ("Perú ", "PE"),
        ("Atlantis", "VE"),
    ],
)
def test_country_is_a_name_or_a_code_and_venezuela_when_unknown(country: str | None, region: str) -> None:
    assert region_of(country) == region


def test_log_shows_no_phone_in_full() -> None:
    assert masked(Phone("+584141234567")) == "+58********67"


def test_providers_get_digits_only() -> None:
    assert digits_of(Phone("+584141234567")) == "584141234567"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+5531987654321", "553187654321"),
        ("+5511987654321", "551187654321"),
        ("+525512345678", "5215512345678"),
        ("+5491112345678", "541112345678"),
        ("+58 414 1234567", "584141234567"),
    ],
)
def test_spellings_of_one_line_have_one_key(one: str, other: str) -> None:
    assert line_of(one) == line_of(other)


def test_a_brazilian_landline_is_not_the_mobile_with_a_nine_before_it() -> None:
    assert line_of("+551132345678") != line_of("+5511932345678")


@given(st.text(max_size=30))
def test_key_of_a_line_is_its_own_key(number: str) -> None:
    assert line_of(line_of(number)) == line_of(number)
