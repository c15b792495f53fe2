"""Faults are told in the schema's words, each at its place."""

import pytest

from pideai_host.api import PluginFault
from pideai_host.stores.schema import FAULTS_MAX, ConfigSchema, pointer


@pytest.mark.parametrize(
    ("schema", "config", "faults"),
    [
        ({"required": ["a", "b"]}, {}, {"/a": "is required", "/b": "is required"}),
        ({"dependentRequired": {"a": ["b", "c"]}}, {"a": 1, "c": 1}, {"/b": "is required together with a"}),
        (
            {"properties": {"a": True}, "patternProperties": {"^x-": True}, "additionalProperties": False},
            {"a": 1, "x-b": 1, "c": 1},
            {"/c": "is not a known field"},
        ),
        ({"unevaluatedProperties": False}, {"a": 1}, {"": "has fields that are not known"}),
        ({"additionalProperties": {"type": "string"}}, {"a": 1}, {"/a": "must be of type string"}),
        ({"properties": {"a": {"type": ["string", "null"]}}}, {"a": 1}, {"/a": "must be of type string, null"}),
        ({"properties": {"a": {"minimum": 0}}}, {"a": -1}, {"/a": "must be at least 0"}),
        ({"properties": {"a": {"format": "uri"}}}, {"a": "x y"}, {"/a": "must be a valid uri"}),
        ({"properties": {"a": {"items": {"const": "x"}}}}, {"a": ["x", "y"]}, {"/a/1": "must be 'x'"}),
        ({"properties": {"a": False}}, {"a": 1}, {"": "holds a value where none is allowed"}),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, {"": "must have at most 1 characters"}),
        ({"minProperties": 1}, {}, {"": "breaks the rule minProperties"}),
    ],
)
def test_a_fault_is_told_at_its_place(schema, config, faults):
    assert ConfigSchema("x", schema).faults(config) == faults


def test_faults_are_bounded_in_number_and_length():
    schema = ConfigSchema("x", {"additionalProperties": False, "properties": {"a": {"pattern": "x" * 1_000}}})

    faults = schema.faults({"a": "no"} | {f"{n:03d}" + "y" * 1_000: 1 for n in range(FAULTS_MAX * 2)})

    assert len(faults) == FAULTS_MAX
    assert all(len(at) <= 200 and len(words) <= 200 for at, words in faults.items())


def test_a_pointer_escapes_what_has_a_meaning_in_it():
    assert pointer(("a/b", 0, "~c")) == "/a~1b/0/~0c"


def test_a_reference_out_of_the_schema_is_told_at_once():
    with pytest.raises(PluginFault, match=r"elsewhere\.json"):
        ConfigSchema("x", {"$ref": "https://example.com/elsewhere.json"})
