"""Evolution's reports, each of the sheet's table in its real shape, and everything that is none."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.providers.evolution_webhook import instance_of, is_genuine, read_signals
from pideai_whatsapp.providers.signals import (
    Accepted,
    ConnectionChanged,
    ConnectionState,
    Counted,
    Inbound,
    Progress,
    Qr,
    QrChanged,
    QrLimit,
    Receipt,
)

from pideai_host.api import WebhookRequest

JID = "584141234567@s.whatsapp.net"
SAID_AT = datetime.fromtimestamp(1_795_353_726, UTC)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
FIELDS = (
    "event", "data", "instance", "qrcode", "code", "base64", "pairingCode", "count", "state", "statusReason", "wuid",
    "status", "key", "keyId", "id", "remoteJid", "remoteJidAlt", "fromMe", "message", "conversation", "messages",
    "disconnectionReasonCode", "statusCode", "imageMessage", "caption",
    "ephemeralMessage", "viewOnceMessage", "editedMessage",
)  # fmt: skip
NAMES = (
    "qrcode.updated", "connection.update", "status.instance", "logout.instance", "remove.instance",
    "messages.upsert", "messages.update", "send.message", "instance.delete",
)  # fmt: skip
WORDS = ("open", "close", "connecting", "refused", "READ", "SERVER_ACK", "ERROR", JID, "12@lid", "1-2@g.us", 428, True)
ANY_DATA = st.recursive(
    st.sampled_from(WORDS) | st.none() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=25,
)


def request(body: bytes, **headers: str) -> WebhookRequest:
    return WebhookRequest(method="POST", path="/webhooks/plugins/whatsapp/x", query="", headers=headers, body=body)


def report(event: Any, data: Any = None) -> WebhookRequest:
    body = {
        "event": event,
        "instance": "laarepera",
        "data": data,
        "destination": "https://plugins.pideai.com/webhooks/plugins/whatsapp/x",
        "date_time": "2026-11-22T10:00:00.000Z",
        "server_url": "http://localhost:8080",
        "apikey": None,
    }
    return request(json.dumps(body).encode())


def update(status: str, **more: Any) -> dict[str, Any]:
    return {"keyId": "3EB0AA", "remoteJid": JID, "fromMe": True, "status": status, "instanceId": "i", **more}


def upsert(text: str = "hola", **key: Any) -> dict[str, Any]:
    return {
        "key": {"remoteJid": JID, "fromMe": False, "id": "3A11", **key},
        "pushName": "Ana",
        "status": "DELIVERY_ACK",
        "message": {"conversation": text},
        "messageType": "conversation",
        "messageTimestamp": 1_795_353_726,
        "source": "android",
    }


QR = {"instance": "laarepera", "pairingCode": None, "code": "2@abc", "base64": "data:image/png;base64,iVBORw0KGgo="}


@pytest.mark.parametrize(
    ("event", "data", "signals"),
    [
        (
            "qrcode.updated",
            {"qrcode": QR},
            [QrChanged(qr=Qr(code="2@abc", png_data_url="data:image/png;base64,iVBORw0KGgo="))],
        ),
        (
            "qrcode.updated",
            {"qrcode": {**QR, "pairingCode": "ABCD1234", "base64": "iVBORw0KGgo="}},
            [
                QrChanged(
                    qr=Qr(code="2@abc", png_data_url="data:image/png;base64,iVBORw0KGgo=", pairing_code="ABCD1234")
                )
            ],
        ),
        ("qrcode.updated", {"qrcode": {**QR, "base64": 'x" onerror="y'}}, [QrChanged(qr=Qr(code="2@abc"))]),
        ("qrcode.updated", {"message": "QR code limit reached, please login again", "statusCode": 500}, [QrLimit()]),
        (
            "connection.update",
            {"instance": "laarepera", "state": "connecting", "statusReason": 200},
            [ConnectionChanged(state=ConnectionState.CONNECTING)],
        ),
        (
            "connection.update",
            {"instance": "x", "wuid": "584141234567@s.whatsapp.net", "state": "open", "statusReason": 200},
            [ConnectionChanged(state=ConnectionState.OPEN, phone="+584141234567")],
        ),
        (
            "connection.update",
            {"instance": "x", "state": "close", "statusReason": 401},
            [ConnectionChanged(state=ConnectionState.CLOSE, reason_code=401)],
        ),
        (
            "connection.update",
            {"instance": "x", "state": "refused", "statusReason": 428},
            [ConnectionChanged(state=ConnectionState.CLOSE, reason_code=428), QrLimit()],
        ),
        (
            "status.instance",
            {"instance": "x", "status": "closed", "disconnectionReasonCode": 403, "disconnectionObject": "{}"},
            [ConnectionChanged(state=ConnectionState.CLOSE, reason_code=403)],
        ),
        ("logout.instance", None, [ConnectionChanged(state=ConnectionState.CLOSE)]),
        ("remove.instance", None, [ConnectionChanged(state=ConnectionState.CLOSE)]),
        ("instance.create", {"instanceName": "x", "instanceId": "i"}, [Counted(name="instance.create")]),
        (
            "instance.delete",
            {"instanceName": "x", "instanceId": "i"},
            [ConnectionChanged(state=ConnectionState.CLOSE)],
        ),
        (
            "messages.upsert",
            upsert(),
            [Inbound(message_id="3A11", phone="+584141234567", text="hola", said_at=SAID_AT)],
        ),
        (
            "messages.upsert",
            [upsert(), upsert(id="3A12")],
            [
                Inbound(message_id="3A11", phone="+584141234567", text="hola", said_at=SAID_AT),
                Inbound(message_id="3A12", phone="+584141234567", text="hola", said_at=SAID_AT),
            ],
        ),
        (
            "messages.upsert",
            {"messages": [upsert()]},
            [
                Inbound(message_id="3A11", phone="+584141234567", text="hola", said_at=SAID_AT),
            ],
        ),
        (
            "messages.upsert",
            upsert(remoteJid="123456789012345@lid", remoteJidAlt=JID, addressingMode="lid"),
            [Inbound(message_id="3A11", phone="+584141234567", text="hola", said_at=SAID_AT)],
        ),
        (
            "messages.upsert",
            upsert(remoteJid="123456789012345@lid", addressingMode="lid"),
            [Inbound(message_id="3A11", phone=None, text="hola", said_at=SAID_AT)],
        ),
        ("messages.upsert", upsert(fromMe=True), [Counted(name="messages.upsert")]),
        ("messages.upsert", upsert(remoteJid="120363041234567890@g.us"), [Counted(name="messages.upsert")]),
        ("messages.upsert", upsert(remoteJid="status@broadcast"), [Counted(name="messages.upsert")]),
        (
            "messages.upsert",
            {**upsert(), "message": {"imageMessage": {"caption": "mira"}}, "messageType": "imageMessage"},
            [Inbound(message_id="3A11", phone="+584141234567", text="mira", said_at=SAID_AT)],
        ),
        (
            "messages.upsert",
            {**upsert(), "message": {"audioMessage": {}}},
            [Inbound(message_id="3A11", phone="+584141234567", text="", said_at=SAID_AT)],
        ),
        ("messages.update", update("PENDING"), [Receipt(provider_message_id="3EB0AA", progress=Progress.ACCEPTED)]),
        ("messages.update", update("SERVER_ACK"), [Receipt(provider_message_id="3EB0AA", progress=Progress.SENT)]),
        (
            "messages.update",
            update("DELIVERY_ACK"),
            [Receipt(provider_message_id="3EB0AA", progress=Progress.DELIVERED)],
        ),
        ("messages.update", update("READ"), [Receipt(provider_message_id="3EB0AA", progress=Progress.READ)]),
        ("messages.update", update("PLAYED"), [Receipt(provider_message_id="3EB0AA", progress=Progress.READ)]),
        (
            "messages.update",
            update("ERROR"),
            [Receipt(provider_message_id="3EB0AA", progress=Progress.FAILED, error="WhatsApp no entregó el mensaje.")],
        ),
        ("messages.update", update("DELETED"), [Counted(name="messages.update")]),
        ("messages.update", update("SERVER_ACK", message={"conversation": "x"}), [Counted(name="messages.update")]),
        (
            "messages.update",
            {"key": {"id": "3EB0AA", "remoteJid": JID, "fromMe": True}, "status": "READ"},
            [Receipt(provider_message_id="3EB0AA", progress=Progress.READ)],
        ),
        (
            "messages.update",
            [update("SERVER_ACK"), update("READ")],
            [
                Receipt(provider_message_id="3EB0AA", progress=Progress.SENT),
                Receipt(provider_message_id="3EB0AA", progress=Progress.READ),
            ],
        ),
        (
            "send.message",
            {
                "key": {"remoteJid": JID, "fromMe": True, "id": "3EB0AA"},
                "status": "PENDING",
                "message": {"conversation": "Tu pedido"},
            },
            [Accepted(provider_message_id="3EB0AA", recipient_digits="584141234567", text="Tu pedido")],
        ),
        (
            "SEND_MESSAGE",
            {
                "key": {"remoteJid": "553187654321@s.whatsapp.net", "fromMe": True, "id": "3EB0AA"},
                "message": {"imageMessage": {"caption": "Promo"}},
            },
            [Accepted(provider_message_id="3EB0AA", recipient_digits="5531987654321", text="Promo")],
        ),
        (
            "send.message",
            {
                "key": {"remoteJid": "123@lid", "remoteJidAlt": JID, "fromMe": True, "id": "3EB0AA"},
                "message": {"conversation": "x"},
            },
            [Accepted(provider_message_id="3EB0AA", recipient_digits="584141234567", text="x")],
        ),
        (
            "send.message",
            {"key": {"remoteJid": "120363041234567890@g.us", "fromMe": True, "id": "3EB0AA"}},
            [Counted(name="send.message")],
        ),
        ("messages.delete", {"remoteJid": JID, "fromMe": True, "id": "x"}, [Counted(name="messages.delete")]),
        ("contacts.update", [], [Counted(name="contacts.update")]),
        ("presence.update", {}, [Counted(name="presence.update")]),
        ("some.new.event", {}, [Counted(name="unknown")]),
    ],
)
def test_a_report_is_read(event: str, data: Any, signals: list[Any]) -> None:
    assert read_signals(report(event, data)) == signals


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"event":5}', b"\xff\xfe", b"[" * 60_000, b"hola"])
def test_what_is_no_report_is_counted(body: bytes) -> None:
    assert read_signals(request(body)) == [Counted(name="malformed")]


@given(st.binary())
def test_garbage_is_counted(body: bytes) -> None:
    assert all(isinstance(signal, Counted) for signal in read_signals(request(body)))
    instance_of(request(body))


@given(ANY_JSON)
def test_any_json_is_read(body: Any) -> None:
    assert read_signals(request(json.dumps(body).encode()))
    instance_of(request(json.dumps(body).encode()))


@given(st.sampled_from(NAMES), ANY_DATA)
def test_any_data_of_a_known_event_gives_bounded_signals(event: str, data: Any) -> None:
    signals = read_signals(report(event, data))

    assert 1 <= len(signals) <= 200
    assert "\x00" not in repr(signals)


@pytest.mark.parametrize(
    "message",
    [
        {"ephemeralMessage": {"message": {"extendedTextMessage": {"text": "BAJA"}}}},
        {"ephemeralMessage": {"message": {"conversation": "BAJA"}}},
        {"viewOnceMessageV2": {"message": {"imageMessage": {"caption": "BAJA"}}}},
        {"ephemeralMessage": {"message": {"viewOnceMessage": {"message": {"imageMessage": {"caption": "BAJA"}}}}}},
        {"documentWithCaptionMessage": {"message": {"documentMessage": {"caption": "BAJA"}}}},
        {"messageContextInfo": {}, "extendedTextMessage": {"text": "BAJA"}},
    ],
)
def test_what_a_customer_wrote_is_found_in_whatever_it_is_wrapped(message: dict[str, Any]) -> None:
    (inbound,) = read_signals(report("messages.upsert", {**upsert(), "message": message}))

    assert isinstance(inbound, Inbound)
    assert inbound.text == "BAJA"


def test_wrapping_without_end_is_no_crash() -> None:
    message: dict[str, Any] = {"conversation": "BAJA"}
    for _ in range(100):
        message = {"ephemeralMessage": {"message": message}}

    (inbound,) = read_signals(report("messages.upsert", {**upsert(), "message": message}))

    assert isinstance(inbound, Inbound)
    assert inbound.text == ""


def test_a_flood_in_one_report_is_cut() -> None:
    assert len(read_signals(report("messages.update", [update("READ")] * 5_000))) == 100


def test_long_texts_are_cut_and_zero_bytes_left_out() -> None:
    (inbound,) = read_signals(report("messages.upsert", upsert("a\x00" * 10_000)))

    assert isinstance(inbound, Inbound)
    assert (len(inbound.text), set(inbound.text)) == (2_048, {"a"})


def test_the_bodys_api_key_is_in_no_signal() -> None:
    body = json.loads(report("connection.update", {"state": "open"}).body) | {"apikey": "INSTANCE-TOKEN"}

    assert "INSTANCE-TOKEN" not in repr(read_signals(request(json.dumps(body).encode())))


def test_a_report_names_its_instance() -> None:
    assert instance_of(report("connection.update", {})) == "laarepera"
    assert instance_of(request(b'{"event":"x"}')) is None


@pytest.mark.parametrize(
    ("given_secret", "secret", "expected"),
    [("s3cret", "s3cret", True), ("s3cre", "s3cret", False), ("", "s3cret", False), ("", "", False), ("ñ", "s", False)],
)
def test_only_the_stores_own_secret_is_genuine(given_secret: str, secret: str, *, expected: bool) -> None:
    assert is_genuine(request(b"{}", **{"x-pideai-secret": given_secret}), secret) is expected


def test_a_report_without_the_header_is_not_genuine() -> None:
    assert not is_genuine(request(b"{}"), "s3cret")
