"""docs/events.md is what plugins and webhooks get."""

import msgspec
import pytest
from msgspec.structs import fields

from pideai_host.api import Address, EventType, OrderItem, OrderItemExtra, OrderPayload, PluginEvent, type_of_payload

STRUCTS = [*dict.fromkeys([OrderPayload, *type_of_payload.values(), OrderItem, OrderItemExtra, Address])]


def _own_fields(struct: type[msgspec.Struct]) -> list[str]:
    above = {field.name for base in struct.__bases__ if base is not msgspec.Struct for field in fields(base)}
    return [field.encode_name for field in fields(struct) if field.name not in above]


def _first_cells(text: str, table_rows) -> list[str]:
    return [cells[0].strip("`") for cells in table_rows(text)]


def test_every_type_is_listed_with_its_payload(page, table_rows):
    listed = {
        cells[0].strip("`"): cells[2].strip("`")
        for cells in table_rows(page("docs/events.md").section("The twelve types"))
    }

    assert listed == {name.value: type_of_payload[name].__name__ for name in EventType}


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_of_a_payload_has_a_line(page, table_rows, struct):
    assert set(_first_cells(page("docs/events.md").section(struct.__name__), table_rows)) == set(_own_fields(struct))


def test_every_heading_of_a_payload_is_one(page):
    assert set(page("docs/events.md").headings(2)) - {"The twelve types"} == {struct.__name__ for struct in STRUCTS}


def test_the_event_s_own_fields_are_listed(page, table_rows):
    assert _first_cells(page("docs/events.md").section("Events"), table_rows) == _own_fields(PluginEvent)
