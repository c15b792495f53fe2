"""What a changed row means (DESIGN.md 4.1)."""

import contextlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.api import EventType, OrderCreatedPayload, OrderStatusPayload, OrderUpdatedPayload
from pideai_host.events import sources
from pideai_host.events.rows import NotAChange, NotUnderstood, read_change

STORE = "7d7f6f0e-0000-4000-8000-00000000000a"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
ORDER = {
    "id": "7d7f6f0e-1234-4000-8000-000000000001",
    "store_id": STORE,
    "status": "pending",
    "customer_name": "Ana",
    "customer_phone": "04141234567",
    "total_amount": 22.00,
    "created_at": "2026-11-22T13:31:01.645075+00:00",
    "updated_at": "2026-11-22T13:31:01.645075+00:00",
}


def body(kind="INSERT", record=None, old_record=None, **more):
    return json.dumps(
        {"type": kind, "table": "orders", "schema": "public", "record": record, "old_record": old_record} | more
    ).encode()


def events(kind="INSERT", record=ORDER, old_record=None):
    order = sources.read(read_change(body(kind, record, old_record)))
    return sources.events_of(order, sources.StoreFacts("USD"), source="webhook", now=lambda: NOW)


def test_an_insert_is_order_created():
    assert [event.type for event in events()] == [EventType.ORDER_CREATED]


def test_order_created_waits_for_its_items():
    assert events()[0].complete is False


def test_a_first_order_may_register_its_customer():
    made = events(record=ORDER | {"customer_id": str(UUID(int=5))})

    assert [event.type for event in made] == [EventType.ORDER_CREATED, EventType.CUSTOMER_REGISTERED]


def test_the_order_number_is_the_ids_first_eight_characters_in_upper_case():
    payload = msgspec.json.decode(events()[0].payload, type=OrderCreatedPayload)

    assert payload.order_number == "7D7F6F0E"


def test_the_currency_is_the_stores():
    payload = msgspec.json.decode(events()[0].payload, type=OrderCreatedPayload)

    assert payload.currency == "USD"


def test_an_update_without_a_new_status_is_order_updated_alone():
    made = events("UPDATE", ORDER | {"notes": "sin cebolla"}, ORDER)

    assert [event.type for event in made] == [EventType.ORDER_UPDATED]


def test_an_update_names_the_columns_that_changed():
    made = events("UPDATE", ORDER | {"notes": "sin cebolla", "customer_name": "Eva"}, ORDER)

    assert msgspec.json.decode(made[0].payload, type=OrderUpdatedPayload).changed_fields == ("customer_name", "notes")


@pytest.mark.parametrize(
    ("status", "special"),
    [
        ("confirmed", []),
        ("preparing", []),
        ("ready", [EventType.ORDER_READY]),
        ("out_for_delivery", []),
        ("delivered", [EventType.ORDER_COMPLETED]),
        ("cancelled", [EventType.ORDER_CANCELLED]),
    ],
)
def test_a_new_status_is_told_in_its_own_type(status, special):
    made = events("UPDATE", ORDER | {"status": status}, ORDER)

    assert [event.type for event in made] == [EventType.ORDER_UPDATED, EventType.ORDER_STATUS_CHANGED, *special]


def test_a_status_event_tells_the_status_before():
    made = events("UPDATE", ORDER | {"status": "ready"}, ORDER | {"status": "preparing"})

    assert msgspec.json.decode(made[1].payload, type=OrderStatusPayload).previous_status == "preparing"


def test_the_same_change_has_the_same_ids_whoever_brings_it():
    change = ("UPDATE", ORDER | {"status": "ready"}, ORDER)

    assert [event.id for event in events(*change)] == [event.id for event in events(*change)]


def test_two_updates_at_different_instants_are_different_events():
    later = ORDER | {"updated_at": "2026-11-22T13:31:01.645076+00:00"}

    assert events("UPDATE", ORDER, ORDER)[0].id != events("UPDATE", later, ORDER)[0].id


def test_the_instant_counts_not_its_time_zone():
    elsewhere = ORDER | {"updated_at": "2026-11-22T09:31:01.645075-04:00"}

    assert events("UPDATE", ORDER, ORDER)[0].id == events("UPDATE", elsewhere, ORDER)[0].id


def test_a_delete_means_nothing():
    assert sources.read(read_change(body("DELETE", None, ORDER))) is None


def test_a_table_line_in_the_notes_is_read():
    payload = msgspec.json.decode(
        events(record=ORDER | {"notes": "Mesa: 12\nrápido"})[0].payload, type=OrderCreatedPayload
    )

    assert payload.table_number == "12"


def test_money_beyond_2_to_the_53_keeps_every_digit():
    text = body(record=ORDER).replace(b'"total_amount": 22.0', b'"total_amount": 12345678901234567890.12')
    order = sources.read(read_change(text))
    made = sources.events_of(order, sources.StoreFacts("USD"), source="webhook", now=lambda: NOW)

    assert b'"total":12345678901234567890.12' in bytes(made[0].payload)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (body(record={k: v for k, v in ORDER.items() if k != "customer_name"}), "bad_row"),
        (body(record=ORDER | {"store_id": "not a uuid"}), "bad_row"),
        (body(record=ORDER | {"total_amount": "lots"}), "bad_row"),
        (body(record=ORDER | {"total_amount": "NaN"}), "bad_row"),
        (body(record=ORDER).replace(b'"total_amount": 22.0', b'"total_amount": 1e400'), "bad_row"),
        (body(record=ORDER).replace(b'"total_amount": 22.0', b'"total_amount": 1' + b"0" * 4500), "bad_row"),
        (body(record=ORDER | {"status": "eaten"}), "bad_row"),
        (body(record=None), "bad_row"),
        (body("UPDATE", ORDER, None), "bad_row"),
        (body("UPDATE", ORDER | {"updated_at": None}, ORDER), "bad_row"),
        (body(record=ORDER, table="menu_items"), "unknown_table"),
        (body(record=ORDER, schema="private"), "unknown_table"),
        (body("TRUNCATE", ORDER), "unknown_type"),
    ],
)
def test_what_is_not_understood_says_why(broken, reason):
    with pytest.raises(NotUnderstood) as caught:
        sources.read(read_change(broken))

    assert caught.value.reason == reason


@pytest.mark.parametrize("column", ["created_at", "updated_at"])
@pytest.mark.parametrize("kind", ["INSERT", "UPDATE"])
@pytest.mark.parametrize("told", ["9999-12-31T23:59:59.999999-14:00", "0001-01-01T00:00:00+05:00"])
def test_a_date_that_utc_does_not_have_is_a_bad_row(kind, column, told):
    with pytest.raises(NotUnderstood) as caught:
        events(kind, ORDER | {column: told}, ORDER)

    assert caught.value.reason == "bad_row"


@pytest.mark.parametrize(
    "broken",
    [b"", b"null", b"[]", b'"text"', b"{", b'{"type":"INSERT"}', b'{"type":1,"table":"orders","record":{}}', b"\xff{}"],
)
def test_what_is_no_change_at_all_is_refused(broken):
    with pytest.raises(NotAChange):
        read_change(broken)


@pytest.mark.parametrize(
    "strange",
    [
        body(record=ORDER).replace(b"Ana", b"\\ud800"),
        body(record=ORDER | {"extra": 1}).replace(b'"extra": 1', b'"extra": ' + b"[" * 5000 + b"]" * 5000),
    ],
    ids=["lone surrogate", "nested deeply"],
)
def test_a_change_that_cannot_be_read_is_not_understood_rather_than_refused(strange):
    with pytest.raises(NotUnderstood) as caught:
        read_change(strange)

    assert caught.value.reason == "unreadable"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_change_or_refused_in_words(noise):
    with contextlib.suppress(NotAChange):
        assert read_change(noise).table is not None


@given(
    st.decimals(min_value=0, max_value=10**12, places=2, allow_nan=False, allow_infinity=False),
    st.text(max_size=50),
)
def test_total_and_name_come_through_unchanged(total, name):
    text = body(record=ORDER | {"customer_name": name}).replace(
        b'"total_amount": 22.0', f'"total_amount": {total}'.encode()
    )
    order = sources.read(read_change(text))
    made = sources.events_of(order, sources.StoreFacts("USD"), source="webhook", now=lambda: NOW)
    payload = msgspec.json.decode(made[0].payload, type=OrderCreatedPayload)

    assert (payload.total, payload.customer_name) == (Decimal(total), name)
