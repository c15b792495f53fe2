"""Meta's reports: verification, signature over raw bytes, and several numbers, accounts and statuses in one call."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.providers.meta_webhook import answer_to_challenge, is_genuine, phone_number_ids, read_signals
from pideai_whatsapp.providers.signals import Counted, Inbound, Progress, Receipt

from pideai_host.api import WebhookRequest
from whatsapp_fakes.meta import APP_SECRET, change, signed, text_message

ONE, OTHER = "106540352242922", "206540352242922"
FIELDS = st.sampled_from([
    "entry", "changes", "field", "value", "metadata", "phone_number_id", "statuses", "messages", "id", "status", "from",
    "text", "body", "type", "errors", "code", "biz_opaque_callback_data", "interactive", "button",
])  # fmt: skip
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["messages", ONE, "sent"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=25,
)


def request(body: bytes = b"", headers: dict[str, str] | None = None, *, method: str = "POST", query: str = "") -> Any:
    return WebhookRequest(
        method=method, path="/webhooks/plugins/whatsapp", query=query, headers=headers or {}, body=body
    )


def status(status: str, message_id: str = "wamid.1", **more: Any) -> dict[str, Any]:
    return {"id": message_id, "status": status, "timestamp": "1795353726", "recipient_id": "584141234567", **more}


def question(token: str = "tok", challenge: str = "1158201444", mode: str = "subscribe") -> Any:
    fields = {"hub.mode": mode, "hub.challenge": challenge, "hub.verify_token": token}
    return request(method="GET", query=urlencode(fields))


def test_the_challenge_is_repeated_as_plain_text_to_who_knows_the_token() -> None:
    answer = answer_to_challenge(question(), "tok")

    assert answer is not None
    assert (answer.status, answer.body, answer.headers) == (200, b"1158201444", {"content-type": "text/plain"})


@pytest.mark.parametrize(
    ("asked", "token"),
    [
        (question("other"), "tok"),
        (question(""), ""),
        (question(mode="unsubscribe"), "tok"),
        (question(challenge="<script>"), "tok"),
        (question(challenge=""), "tok"),
        (question(challenge="1" * 300), "tok"),
        (request(method="GET"), "tok"),
        (request(method="GET", query="&" * 500), "tok"),
    ],
)
def test_anybody_else_is_refused(asked: Any, token: str) -> None:
    answer = answer_to_challenge(asked, token)

    assert answer is not None
    assert answer.status == 403


def test_a_report_is_no_question() -> None:
    assert answer_to_challenge(request(b"{}"), "tok") is None


def test_a_signature_over_the_raw_bytes_is_genuine() -> None:
    body, headers = signed(change(ONE, messages=[text_message("584141234567", "¿Está lista?")]))

    assert b"\\u00bf" in body
    assert is_genuine(request(body, headers), APP_SECRET)


def test_a_known_signature_is_genuine() -> None:
    # HMAC-SHA256's best known example.
    headers = {"x-hub-signature-256": "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"}

    assert is_genuine(request(b"The quick brown fox jumps over the lazy dog", headers), "key")


@pytest.mark.parametrize("secret", ["other", ""])
def test_another_secret_is_not(secret: str) -> None:
    body, headers = signed(change(ONE))

    assert not is_genuine(request(body, headers), secret)


def test_bytes_that_were_written_anew_are_not() -> None:
    body, headers = signed(change(ONE, messages=[text_message("584141234567", "¿Está lista?")]))

    assert not is_genuine(request(json.dumps(json.loads(body), ensure_ascii=False).encode(), headers), APP_SECRET)
    assert not is_genuine(request(body), APP_SECRET)


def test_each_number_reads_its_own_part_of_a_report() -> None:
    body, _ = signed(
        change(ONE, statuses=[status("sent"), status("delivered", "wamid.2", biz_opaque_callback_data="m-2")]),
        change(OTHER, statuses=[status("read", "wamid.3")]),
        change(ONE, messages=[text_message("584141234567", "BAJA") | {"id": "wamid.4"}]),
    )
    report = request(body)

    assert phone_number_ids(report) == [ONE, OTHER]
    assert read_signals(report, ONE) == [
        Receipt(provider_message_id="wamid.1", progress=Progress.SENT),
        Receipt(provider_message_id="wamid.2", progress=Progress.DELIVERED, reference="m-2"),
        Inbound(
            message_id="wamid.4",
            phone="+584141234567",
            text="BAJA",
            said_at=datetime.fromtimestamp(1_795_353_726, UTC),
        ),
    ]
    assert read_signals(report, OTHER) == [Receipt(provider_message_id="wamid.3", progress=Progress.READ)]


@pytest.mark.parametrize(
    ("word", "progress"),
    [
        ("sent", Progress.SENT),
        ("delivered", Progress.DELIVERED),
        ("read", Progress.READ),
        ("played", Progress.READ),
        ("failed", Progress.FAILED),
    ],
)
def test_a_status_is_a_receipt(word: str, progress: Progress) -> None:
    (receipt,) = read_signals(request(signed(change(ONE, statuses=[status(word)]))[0]), ONE)

    assert isinstance(receipt, Receipt)
    assert receipt.progress is progress


def test_a_failure_says_why_in_the_owners_words() -> None:
    errors = [{"code": 131047, "title": "Re-engagement message", "error_data": {"details": "more than 24 hours"}}]

    (receipt,) = read_signals(request(signed(change(ONE, statuses=[status("failed", errors=errors)]))[0]), ONE)

    assert isinstance(receipt, Receipt)
    assert "24 horas" in str(receipt.error)
    assert "131047: more than 24 hours" in str(receipt.error)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"type": "text", "text": {"body": "hola"}}, "hola"),
        ({"type": "button", "button": {"text": "BAJA", "payload": "x"}}, "BAJA"),
        ({"type": "interactive", "interactive": {"button_reply": {"id": "1", "title": "Sí"}}}, "Sí"),
        ({"type": "interactive", "interactive": {"list_reply": {"id": "1", "title": "Arepa"}}}, "Arepa"),
        ({"type": "image", "image": {"id": "1", "caption": "mira"}}, "mira"),
        ({"type": "audio", "audio": {"id": "1"}}, ""),
    ],
)
def test_what_a_customer_wrote_is_found(message: dict[str, Any], text: str) -> None:
    body, _ = signed(change(ONE, messages=[{"from": "584141234567", "id": "wamid.9", **message}]))

    assert read_signals(request(body), ONE) == [Inbound(message_id="wamid.9", phone="+584141234567", text=text)]


def test_other_fields_and_strange_statuses_are_counted() -> None:
    body, _ = signed(change(ONE, field="account_update"), change(ONE, statuses=[status("warped")]), change(ONE))

    assert [signal.name for signal in read_signals(request(body), ONE)] == ["other", "unknown", "messages"]


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"entry":5}', b"\xff", b"[" * 60_000])
def test_what_is_no_report_is_about_nobody(body: bytes) -> None:
    assert phone_number_ids(request(body)) == []
    assert read_signals(request(body), ONE) == [Counted(name="malformed")]


@given(st.binary())
def test_garbage_is_read_without_a_crash(body: bytes) -> None:
    assert phone_number_ids(request(body)) == []
    assert read_signals(request(body), ONE)


@given(ANY_JSON)
def test_any_json_is_read_without_a_crash(value: Any) -> None:
    for body in (value, {"entry": value}, {"entry": [{"changes": value}]}, {"entry": [{"changes": [change(ONE)]}]}):
        report = request(json.dumps(body).encode())
        phone_number_ids(report)
        assert 1 <= len(read_signals(report, ONE)) <= 1_000


@given(ANY_JSON, ANY_JSON)
def test_any_statuses_and_messages_are_read_without_a_crash(statuses: Any, messages: Any) -> None:
    body, _ = signed(change(ONE, statuses=statuses, messages=messages))

    assert read_signals(request(body), ONE)
