import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from pideai_webhook_bridge.envelope import body_of

from pideai_host.api import OrderCreatedPayload, PaymentPayload, PluginEvent, type_of_payload

money = st.decimals(min_value=0, max_value=Decimal("99999999.99"), places=2)
aware = st.datetimes(timezones=st.just(UTC))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
own_payloads = st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts, max_size=6)


def test_the_body_is_as_documented(event: PluginEvent) -> None:
    body = json.loads(body_of(event), parse_float=Decimal)

    assert list(body) == ["type", "timestamp", "id", "storeId", "data"]
    assert (body["type"], body["timestamp"]) == ("order.created", "2025-11-23T04:00:00Z")
    assert body["data"]["customerName"] == "María Peña"
    assert body["data"]["items"][0]["unitPrice"] == Decimal("6.25")


def test_only_a_late_event_says_that_it_is(event: PluginEvent) -> None:
    late = msgspec.structs.replace(event, metadata={"late": True})

    assert (json.loads(body_of(late))["late"], b"late" in body_of(event)) == (True, False)


def test_money_keeps_its_decimals(event: PluginEvent) -> None:
    assert b'"total":12.50,' in body_of(event)


@given(money, aware, st.uuids(), texts)
def test_every_payment_comes_back_as_it_was(amount: Decimal, at: datetime, event_id: UUID, reference: str) -> None:
    payload = PaymentPayload(payment_id="p", amount=amount, currency="VES", reference=reference)
    body = body_of(
        PluginEvent(id=event_id, type="payment.completed", store_id=UUID(int=1), timestamp=at, payload=payload)
    )
    read = msgspec.json.decode(body)

    assert msgspec.json.decode(msgspec.json.encode(read["data"]), type=PaymentPayload).reference == reference
    assert json.loads(body, parse_float=Decimal, parse_int=Decimal)["data"]["amount"] == amount
    assert msgspec.convert(read["timestamp"], datetime) == at
    assert UUID(read["id"]) == event_id


@given(own_payloads)
def test_the_bytes_do_not_depend_on_the_order_of_a_plugins_own_payload(payload: dict[str, Any]) -> None:
    def body(ordered: dict[str, Any]) -> bytes:
        at = datetime(2025, 1, 1, tzinfo=UTC)
        return body_of(
            PluginEvent(id=UUID(int=1), type="own.type", store_id=UUID(int=2), timestamp=at, payload=ordered)
        )

    assert body(payload) == body(dict(reversed(payload.items())))
    assert json.loads(body(payload))["data"] == payload


def test_a_payload_that_was_stored_and_read_again_gives_the_same_bytes(event: PluginEvent) -> None:
    stored = msgspec.json.Encoder(decimal_format="number").encode(event.payload)
    again = msgspec.json.decode(stored, type=type_of_payload[event.type])
    assert isinstance(again, OrderCreatedPayload)

    assert body_of(msgspec.structs.replace(event, payload=again)) == body_of(event)
