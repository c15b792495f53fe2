"""WhatsApp's own spellings of a number are the number."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.providers.recipients import is_same, phone_of_digits, phone_of_jid
from pideai_whatsapp.text.phones import Phone


@pytest.mark.parametrize(
    ("phone", "digits"),
    [
        ("+584141234567", "584141234567"),
        ("+5511987654321", "5511987654321"),
        ("+5531987654321", "553187654321"),
        ("+525512345678", "525512345678"),
        ("+525512345678", "5215512345678"),
        ("+5491112345678", "541112345678"),
        ("+5491112345678", "5491112345678"),
    ],
)
def test_a_number_in_the_providers_spelling_is_the_same(phone: str, digits: str) -> None:
    assert is_same(Phone(phone), digits)
    assert phone_of_digits(digits) == phone


@pytest.mark.parametrize("digits", ["584141234568", "", "58414123456", "abc", "584141234567@s.whatsapp.net"])
def test_another_number_is_not(digits: str) -> None:
    assert not is_same(Phone("+584141234567"), digits)


@pytest.mark.parametrize(
    ("jid", "phone"),
    [
        ("584141234567@s.whatsapp.net", "+584141234567"),
        ("584141234567:12@s.whatsapp.net", "+584141234567"),
        ("584141234567@c.us", "+584141234567"),
        ("123456789012345@lid", None),
        ("120363041234567890@g.us", None),
        ("status@broadcast", None),
        ("@s.whatsapp.net", None),
        ("04141234567@s.whatsapp.net", None),
        ("", None),
        (None, None),
        (584141234567, None),
    ],
)
def test_a_jid_of_a_person_is_a_phone_and_nothing_else_is(jid: Any, phone: str | None) -> None:
    assert phone_of_jid(jid) == phone


@given(st.text())
def test_any_text_is_read_without_a_crash(text: str) -> None:
    assert phone_of_jid(text) is None or text.endswith(("s.whatsapp.net", "c.us"))
    assert phone_of_digits(text) is None or text.removeprefix("+").isascii()
