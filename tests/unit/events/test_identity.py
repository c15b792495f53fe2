"""Event and delivery ids are the same wherever they are computed (DESIGN.md 4.2)."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.events.identity import delivery_id, event_id, microseconds

KEY = "7d7f6f0e-0000-4000-8000-000000000001"


def test_an_event_id_never_changes_between_releases():
    assert event_id("public.orders", KEY, "order.created") == UUID("da8b9648-44e5-59ec-9da7-284997a33f4e")


def test_event_ids_are_version_5():
    assert event_id("public.orders", KEY, "order.created").version == 5


@pytest.mark.parametrize(
    "other",
    [
        ("public.carts", KEY, "order.created", ""),
        ("public.orders", KEY[:-1] + "2", "order.created", ""),
        ("public.orders", KEY, "order.updated", ""),
        ("public.orders", KEY, "order.created", "1"),
    ],
    ids=["table", "key", "type", "version"],
)
def test_each_part_makes_another_event(other):
    assert event_id("public.orders", KEY, "order.created") != event_id(*other)


@given(st.text(max_size=8), st.text(max_size=8))
def test_parts_do_not_run_into_each_other(key, version):
    joined = event_id("public.orders", key + "x", "t", version)
    apart = event_id("public.orders", key, "t", "x" + version)

    assert joined != apart


@given(st.uuids(), st.uuids())
def test_ids_are_those_of_the_standard(event, installation):
    assert delivery_id(event, installation) == uuid5(event, str(installation))


def test_a_delivery_id_depends_on_event_and_installation():
    event, one, two = UUID(int=1), UUID(int=2), UUID(int=3)

    assert len({delivery_id(event, one), delivery_id(event, two), delivery_id(one, event)}) == 3


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)), st.integers(-14, 14))
def test_microseconds_do_not_depend_on_the_time_zone(instant, hours):
    there = instant.astimezone(timezone(timedelta(hours=hours)))

    assert microseconds(there) == microseconds(instant)


def test_microseconds_are_exact():
    assert microseconds(datetime(2026, 11, 22, 13, 31, 1, 645075, tzinfo=UTC)) == 1795354261645075
