"""Twilio's reports: the documentation's signature vectors, and what each report means."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.providers.signals import Counted, Inbound, Progress, Receipt
from pideai_whatsapp.providers.twilio_webhook import is_genuine, read_signals, signature

from pideai_host.api import WebhookRequest

TOKEN = "12345"
HTTPS = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "Caller": "+14158675309",
    "To": "+18005551212",
}
SEVERAL = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
JSON_BODY = b'{"property": "value", "boolean": true}'
JSON_URL = f"{HTTPS}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


def request(
    fields: Any = None, *, body: bytes | None = None, signed: str = "", query: str = "", form: str | None = None
) -> WebhookRequest:
    return WebhookRequest(
        method="POST",
        path="/webhooks/plugins/whatsapp/x",
        query=query,
        headers={"x-twilio-signature": signed, "content-type": form or "application/x-www-form-urlencoded"},
        body=body if body is not None else urlencode(fields or {}).encode(),
    )


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        (HTTPS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:443/myapp.php?foo=1&bar=2", "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:80/myapp.php?foo=1&bar=2", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    ],
)
def test_the_documentations_signatures_are_genuine(url: str, signed: str) -> None:
    assert signature(TOKEN, url, list(CALL.items())) == signed
    assert is_genuine(request(CALL, signed=signed), auth_token=TOKEN, url=url)


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        (HTTPS, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("https://mycompany.com:443/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("http://mycompany.com/myapp.php?foo=1&bar=2", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ],
)
def test_a_port_that_one_side_leaves_out_does_not_matter(url: str, signed: str) -> None:
    assert is_genuine(request(CALL, signed=signed), auth_token=TOKEN, url=url)


def test_a_field_with_several_values_is_signed_with_each_distinct_one() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"

    signed = "IK+Dwps556ElfBT0I3Rgjkr1wJU="

    assert signature(TOKEN, url, SEVERAL) == signed
    assert is_genuine(request(SEVERAL, signed=signed), auth_token=TOKEN, url=url)


def test_a_json_body_is_signed_by_its_hash_in_the_url() -> None:
    signed = "a9nBmqA0ju/hNViExpshrM61xv4="

    genuine = request(body=JSON_BODY, signed=signed, form="application/json")
    changed = request(body=JSON_BODY + b" ", signed=signed, form="application/json")

    assert is_genuine(genuine, auth_token=TOKEN, url=JSON_URL)
    assert not is_genuine(changed, auth_token=TOKEN, url=JSON_URL)


@pytest.mark.parametrize(
    ("change", "token", "url"),
    [
        ({"Digits": "1235"}, TOKEN, HTTPS),
        ({"NewField": "x"}, TOKEN, HTTPS),
        ({}, "12346", HTTPS),
        ({}, "", HTTPS),
        ({}, TOKEN, HTTPS.replace("https", "http")),
        ({}, TOKEN, HTTPS + "&x=1"),
        ({}, TOKEN, "https://[::1"),
        ({}, TOKEN, ""),
    ],
)
def test_anything_changed_is_not_genuine(change: dict[str, str], token: str, url: str) -> None:
    changed = request({**CALL, **change}, signed="RSOYDt4T1cUTdK1PDd93/VVr8B8=")

    assert not is_genuine(changed, auth_token=token, url=url)


def test_fields_that_are_not_known_are_signed_too_empty_ones_included() -> None:
    fields = [("MessageSid", "SM1"), ("BrandNew", ""), ("Ñ", "ñ")]

    signed = request(fields, signed=signature(TOKEN, HTTPS, fields))

    assert is_genuine(signed, auth_token=TOKEN, url=HTTPS)


@pytest.mark.parametrize(
    ("status", "progress"),
    [
        ("queued", Progress.ACCEPTED),
        ("accepted", Progress.ACCEPTED),
        ("scheduled", Progress.ACCEPTED),
        ("sending", Progress.ACCEPTED),
        ("sent", Progress.SENT),
        ("delivered", Progress.DELIVERED),
        ("read", Progress.READ),
    ],
)
def test_a_status_is_a_receipt(status: str, progress: Progress) -> None:
    report = request({"MessageSid": "SM1", "MessageStatus": status}, query="reference=m-1")

    assert read_signals(report) == [Receipt(provider_message_id="SM1", progress=progress, reference="m-1")]


@pytest.mark.parametrize("status", ["failed", "undelivered", "canceled"])
def test_a_failure_says_why_in_the_owners_words(status: str) -> None:
    report = request({"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": "63016"})

    (receipt,) = read_signals(report)

    assert isinstance(receipt, Receipt)
    assert receipt.progress is Progress.FAILED
    assert "24 horas" in str(receipt.error)
    assert "63016" in str(receipt.error)


def test_a_customers_message_is_inbound() -> None:
    report = request(
        {
            "MessageSid": "SM1",
            "SmsStatus": "received",
            "From": "whatsapp:+584141234567",
            "To": "whatsapp:+14155238886",
            "Body": "BAJA\x00",
            "NumMedia": "0",
            "WaId": "584141234567",
        }
    )

    assert read_signals(report) == [Inbound(message_id="SM1", phone="+584141234567", text="BAJA")]


@pytest.mark.parametrize(
    "fields",
    [{}, {"MessageStatus": "sent"}, {"MessageSid": ""}, {"MessageSid": "x" * 200}, {"MessageSid": "a\nb"}],
)
def test_a_report_without_an_id_is_counted(fields: dict[str, str]) -> None:
    assert read_signals(request(fields)) == [Counted(name="malformed")]


def test_a_status_that_is_not_known_is_counted() -> None:
    assert read_signals(request({"MessageSid": "SM1", "MessageStatus": "teleported"})) == [Counted(name="unknown")]


@given(st.binary(), st.text(), st.text())
def test_any_body_is_read_and_judged_without_a_crash(body: bytes, query: str, url: str) -> None:
    report = request(body=body, query=query)

    assert read_signals(report)
    assert not is_genuine(report, auth_token=TOKEN, url=url)


@given(st.dictionaries(st.sampled_from(["MessageSid", "MessageStatus", "From", "Body", "ErrorCode"]), st.text()))
def test_any_fields_are_read(fields: dict[str, str]) -> None:
    assert len(read_signals(request({k: v.encode("utf-8", "replace") for k, v in fields.items()}))) == 1
