"""Evolution's answers, in all their shapes, become one of six problems or a receipt."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    MessageRefused,
    NotConnected,
    ProviderConfiguration,
    ProviderProblem,
    ProviderUnavailable,
    RequestLost,
    SendReceipt,
)
from pideai_whatsapp.providers.calls import Answer
from pideai_whatsapp.providers.evolution_replies import complaint_of, problem_of, receipt_of


def framed(message: Any) -> bytes:
    return json.dumps({"status": 400, "error": "Bad Request", "response": {"message": message}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (401, framed("Unauthorized"), ProviderConfiguration),
        (403, framed(["Forbidden"]), ProviderConfiguration),
        (404, framed(['The "ghost" instance does not exist']), NotConnected),
        (404, framed(["Cannot POST /nope"]), ProviderConfiguration),
        (404, b"<html>nginx</html>", ProviderConfiguration),
        (302, b"", ProviderConfiguration),
        (400, framed([['instance requires property "text"']]), MessageRefused),
        (400, framed(["Text is required"]), MessageRefused),
        (400, framed(["[object Object]"]), MessageRefused),
        (400, framed([{"jid": "58@s.whatsapp.net", "exists": False, "number": "58"}]), InvalidRecipient),
        (500, framed(["TypeError: Cannot read properties of undefined (reading 'waUploadToServer')"]), NotConnected),
        (500, framed(["Error: getaddrinfo ENOTFOUND example.com"]), ProviderUnavailable),
        (400, framed("Unexpected token"), MessageRefused),
        (400, b'{"status":400,"error":"Bad Request","message":[["no response key"]]}', MessageRefused),
        (400, b"{}", MessageRefused),
        (413, b"too large", MessageRefused),
        (429, b"slow down", ProviderUnavailable),
        (500, framed("Cannot read properties of undefined (reading 'onWhatsApp')"), NotConnected),
        (500, framed("Connection Closed"), NotConnected),
        (400, framed(["Error: Connection Closed"]), NotConnected),
        (500, framed("Timed Out"), NotConnected),
        (400, framed(["Error: Timed Out"]), RequestLost),
        (500, framed("something else"), ProviderUnavailable),
        (502, b"<html>bad gateway</html>", ProviderUnavailable),
        (503, b"", ProviderUnavailable),
        (504, b"<html>gateway time-out</html>", RequestLost),
        (200, b'{"error":true,"message":"[object Object]"}', ProviderUnavailable),
        (200, b'{"error":true,"message":"Connection Closed"}', NotConnected),
        (201, b'{"key":{}}', RequestLost),
        (201, b'{"key":{"id":""}}', RequestLost),
        (201, b"[]", RequestLost),
        (200, b"<html>captive portal</html>", RequestLost),
    ],
)
def test_answer_that_is_no_receipt_is_one_problem(status: int, body: bytes, problem: type[ProviderProblem]) -> None:
    with pytest.raises(ProviderProblem) as raised:
        receipt_of(Answer(status=status, body=body))

    assert type(raised.value) is problem
    assert raised.value.response_code == status


def test_receipt_carries_the_providers_own_id() -> None:
    body = b'{"key":{"remoteJid":"584141234567@s.whatsapp.net","fromMe":true,"id":"3EB0AA"},"status":"PENDING"}'

    assert receipt_of(Answer(status=201, body=body)) == SendReceipt(message_id="3EB0AA", response_code=201)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("a string", "a string"),
        (["in a list"], "in a list"),
        ([["one", "two"]], "one; two"),
        ([{"exists": False}], "exists: false"),
        (None, "Bad Request"),
    ],
)
def test_words_are_found_in_all_five_shapes(message: Any, words: str) -> None:
    assert complaint_of(framed(message)).text == words


@given(status=st.integers(300, 599), body=st.binary(max_size=2_000))
def test_any_answer_is_some_problem_with_short_words(status: int, body: bytes) -> None:
    assert len(problem_of(Answer(status=status, body=body)).message) < 400


@given(
    status=st.integers(300, 599),
    message=st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
)
def test_any_json_is_some_problem(status: int, message: Any) -> None:
    assert isinstance(problem_of(Answer(status=status, body=framed(message))), ProviderProblem)


def test_json_that_is_nested_beyond_reason_is_no_crash() -> None:
    assert isinstance(problem_of(Answer(status=500, body=b"[" * 60_000)), ProviderUnavailable)
