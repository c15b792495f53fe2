"""Every type of events has a schema of its payload as it goes over the wire, and a sample that fits."""

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from pideai_host.api import EventType, type_of_payload
from pideai_host.events.samples import sample_of, schema_of


@pytest.mark.parametrize("event_type", EventType)
def test_a_sample_fits_its_schema(event_type):
    Draft202012Validator.check_schema(schema_of(event_type))

    Draft202012Validator(schema_of(event_type), format_checker=FormatChecker()).validate(sample_of(event_type))


@pytest.mark.parametrize("event_type", EventType)
def test_a_sample_is_a_payload_of_its_type(event_type):
    assert msgspec.json.decode(msgspec.json.encode(sample_of(event_type)), type=type_of_payload[event_type])


@pytest.mark.parametrize("event_type", EventType)
def test_money_is_a_number(event_type):
    assert "decimal" not in str(schema_of(event_type))


def test_a_sample_of_what_is_missing_does_not_fit():
    sample = sample_of(EventType.ORDER_CREATED)
    del sample["orderId"]

    assert not Draft202012Validator(schema_of(EventType.ORDER_CREATED)).is_valid(sample)


def test_a_plugin_s_own_type_has_any_object():
    assert (schema_of("courier.left"), sample_of("courier.left")) == ({"type": "object"}, {})
