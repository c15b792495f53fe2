"""What plugins declare of their own event types is checked plugin by plugin."""

import pytest

from pideai_host.api import PluginEventType, hookimpl
from pideai_host.plugins.event_types import TYPES_MAX, with_event_types
from pideai_host.plugins.registry import Registry

SCHEMA = {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]}
LATE = PluginEventType(type="courier.late", payload_schema=SCHEMA, sample={"number": "A-7"})


@pytest.fixture
def declare(make, define):
    """Collect what plugins ``first`` and ``second`` declare."""

    def plugin(slug, value):
        return make(define(slug=slug), event_sources=hookimpl(lambda self: value))

    def of(*declared):
        plugins = {slug: plugin(slug, value) for slug, value in zip(("first", "second"), declared, strict=False)}
        return with_event_types(Registry.of(plugins)).event_types

    return of


def test_a_type_is_known_by_its_name_with_who_declared_it(declare):
    [(name, declared)] = declare([LATE]).items()

    assert (name, declared.slug, declared.sample) == ("courier.late", "first", {"number": "A-7"})
    assert declared.schema == {"$schema": "https://json-schema.org/draft/2020-12/schema", **SCHEMA}


def test_a_payload_that_does_not_fit_is_told_by_place_and_rule_without_what_it_holds(declare):
    declared = declare([LATE])["courier.late"]

    assert declared.fault({"number": "A-7"}) is None
    assert declared.fault({"number": 4_111_111}) == "$.number breaks type"
    assert declared.fault({}) == "$ breaks required"


def test_what_two_declare_belongs_to_the_first(declare):
    assert declare([LATE], [LATE])["courier.late"].slug == "first"


@pytest.mark.parametrize(
    "declared",
    [
        None,
        ["courier.late"],
        [PluginEventType(type="order.created")],
        [PluginEventType(type="Courier")],
        [PluginEventType(type="courier." + "x" * 100)],
        [PluginEventType(type=7)],
        [PluginEventType(type="courier.late", payload_schema={"type": "string"})],
        [PluginEventType(type="courier.late", payload_schema={"type": "object", "required": "number"})],
        [PluginEventType(type="courier.late", payload_schema={"type": "object", "$ref": "https://elsewhere.example"})],
        [PluginEventType(type="courier.late", payload_schema=SCHEMA)],
        [PluginEventType(type=f"courier.t{n}") for n in range(TYPES_MAX + 1)],
    ],
    ids=[
        "nothing",
        "a name",
        "the host's own",
        "not dotted",
        "too long",
        "no text",
        "no object",
        "no schema",
        "refers elsewhere",
        "sample does not fit",
        "too many",
    ],
)
def test_what_cannot_be_taken_is_refused(declare, declared):
    assert dict(declare(declared)) == {}


def test_a_plugin_whose_types_are_refused_is_partial_with_the_reason(load):
    records = with_event_types(load("event_types_wrong", "ok")).records
    [broken] = [one for one in records if one.slug == "event-types-wrong"]

    assert (broken.status, broken.phase) == ("partial", "event_types")
    assert broken.error == (
        "its event types are refused: event-types-wrong: order.created is one of the host's own types; leave it out"
    )
