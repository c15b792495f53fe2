"""Bodies are read strictly, and every request has an id."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.web.requests import BodyRejected, decode, request_id


class Inner(msgspec.Struct):
    size: int = 0


class Body(msgspec.Struct, forbid_unknown_fields=True):
    slug: str
    inner: list[Inner] = []
    config: dict[str, int] = {}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"slug": 5}', "/slug"),
        (b'{"slug": "a", "inner": [{"size": 1}, {"size": "2"}]}', "/inner/1/size"),
        (b'{"slug": "a", "config": {"b": "2"}}', "/config"),
        (b'{"slug": "a", "colour": "red"}', ""),
        (b"{}", ""),
        (b"[]", ""),
        (b"{", ""),
        (b"", ""),
        (b'{"slug": "\xff"}', ""),
        (b"[" * 100_000, ""),
        (b'{"slug": 1e999}', "/slug"),
        (b'{"slug": "\\u0000"}', ""),
        (b'{"slug": "\\\\\\u0000"}', ""),
        (b'{"slug": "\\ud800"}', ""),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_fault_is_named_with_its_place(body, pointer):
    with pytest.raises(BodyRejected) as caught:
        decode(body, Body)

    assert list(caught.value.faults) == [pointer]


def test_an_unknown_field_is_named():
    with pytest.raises(BodyRejected, match="unknown field `colour`"):
        decode(b'{"slug": "a", "colour": "red"}', Body)


def test_the_escaped_word_u0000_is_no_nul():
    assert decode(b'{"slug": "\\\\u0000"}', Body).slug == "\\u0000"


@given(st.binary(max_size=200))
def test_bytes_are_decoded_or_refused_and_nothing_else(body):
    with suppress(BodyRejected):
        decode(body, Any)


@given(st.text())
def test_no_text_with_a_nul_gets_through(text):
    body = msgspec.json.encode({"slug": text})
    if "\0" in text:
        with pytest.raises(BodyRejected):
            decode(body, Body)
    else:
        assert decode(body, Body).slug == text


def test_the_callers_request_id_is_kept():
    assert request_id({"headers": [(b"x-request-id", b"proxy-1.2:3_4")], "state": {}}) == "proxy-1.2:3_4"


@pytest.mark.parametrize("given_id", [b"", b"a b", b"a\nb", b"<b>", b"x" * 65, b"\xff"], ids=str)
def test_an_id_that_is_no_plain_word_is_replaced(given_id):
    assert request_id({"headers": [(b"x-request-id", given_id)], "state": {}}).encode() != given_id


def test_a_request_has_one_id():
    scope = {"headers": [], "state": {}}

    assert request_id(scope) == request_id(scope)
