"""Where events stand among those of their entity."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from pideai_host.events.ordering import place_of
from pideai_host.events.sources import NewEvent

NOW = datetime(2026, 11, 28, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def place(event_type="order.updated", at=NOW, entity_id="order"):
    return place_of(
        NewEvent(
            id=UUID(int=1),
            store_id=UUID(int=2),
            type=event_type,
            payload=msgspec.Raw(b"{}"),
            occurred_at=at,
            source="test",
            entity_id=entity_id,
        )
    )


def test_types_of_one_version_come_in_the_order_in_which_they_make_sense():
    types = ["order.created", "order.updated", "order.status_changed", "order.ready", "customer.registered"]

    assert sorted(types, key=place) == types


def test_the_version_counts_before_the_type():
    assert place("customer.registered", NOW) < place("order.created", NOW + MICROSECOND)


@pytest.mark.parametrize("event_type", ["order.ready", "order.completed", "order.cancelled"])
def test_what_ends_a_step_follows_its_status_change(event_type):
    assert place("order.status_changed") < place(event_type)


@pytest.mark.parametrize("at", [datetime.min, datetime.max])
def test_a_place_fits_into_the_databases_bigint_whenever_it_happened(at):
    assert -(2**63) < place("payment.completed", at.replace(tzinfo=UTC)) < 2**63


def test_what_is_about_nothing_has_no_place():
    assert place(entity_id=None) is None
