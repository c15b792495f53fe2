"""Bodies are read strictly, and every request has an id."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.web.body_faults import FAULTS_MAX, all_faults
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
        (b'{"slug": "a", "config": {"b": "2"}}', "/config/b"),
        (b'{"slug": "a", "colour": "red"}', "/colour"),
        (b'{"slug": "a", "a/b~c": 1}', "/a~1b~0c"),
        (b'{"slug": "a", "slug": "b"}', "/slug"),
        (b'{"slug": "a", "inner": [{"size": 1}, {"size": 1, "size": 2}]}', "/inner/1/size"),
        (b"{}", "/slug"),
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


def test_all_faults_are_told_at_once():
    body = b'{"inner": [{"size": "2"}, {}, {"size": null}], "config": {"a": "1", "b": 2}, "colour": "red"}'

    with pytest.raises(BodyRejected) as caught:
        decode(body, Body)

    assert caught.value.faults == {
        "/slug": "is required",
        "/inner/0/size": "Expected `int`, got `str`",
        "/inner/2/size": "Expected `int`, got `null`",
        "/config/a": "Expected `int`, got `str`",
        "/colour": "is not a known field",
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "a body is needed"),
        (b" \n", "a body is needed"),
        (b'{"slug": "\\ud800"}', "half of a character"),
        (b'{"slug": "\\udc00 then"}', "half of a character"),
        (b'{"slug": "a"', "truncated"),
        (b'{"slug": "\\ud83d\\ude00", "slug": ""}', "stands there twice"),
    ],
    ids=repr,
)
def test_a_body_that_is_no_document_is_told_in_words(body, words):
    with pytest.raises(BodyRejected, match=words):
        decode(body, Body)


def test_a_whole_character_of_two_halves_is_text():
    assert decode(b'{"slug": "\\ud83d\\ude00"}', Body).slug == "\U0001f600"


def test_no_more_faults_are_told_than_anybody_reads():
    body = msgspec.json.encode({"slug": "a", "config": dict.fromkeys(map(str, range(FAULTS_MAX + 10)), "x")})

    with pytest.raises(BodyRejected) as caught:
        decode(body, Body)

    assert len(caught.value.faults) == FAULTS_MAX


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["slug", "inner", "config", "size", "x"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_what_does_not_fit_always_has_a_fault_and_what_fits_none(value):
    body = msgspec.json.encode(value)
    try:
        fitting = msgspec.json.decode(body, type=Body)
    except msgspec.ValidationError:
        fitting = None

    assert (all_faults(body, Body) == {}) is (fitting is not None)


def test_the_escaped_word_u0000_is_no_nul():
    assert decode(b'{"slug": "\\\\u0000"}', Body).slug == "\\u0000"


@given(st.binary(max_size=200) | st.text('{}[]",:0123456789.eE+-\\untrfals \n', max_size=40).map(str.encode))
def test_bytes_are_decoded_as_another_reader_would_or_refused_with_a_fault(body):
    taken, faults = None, {}
    try:
        taken = decode(body, Any)
    except BodyRejected as refused:
        faults = refused.faults

    assert faults or taken == json.loads(body.decode())


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
