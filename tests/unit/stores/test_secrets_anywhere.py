"""Wherever a schema says writeOnly, by whatever keyword it gets there, the value is sealed, kept and never shown."""

import itertools
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.api import ConfigRejected
from pideai_host.stores.config import PreparedConfig, prepare
from pideai_host.stores.schema import ConfigSchema

CANARY = re.compile(r"canary-\d+")
WRAPPINGS = ["plain", "$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "allOf of $ref"]
PLACES = ["properties", "patternProperties", "additionalProperties", "items", "prefixItems"]


class Made:
    """A schema under construction, and a configuration that fits it."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.defs: dict[str, Any] = {}
        self.numbers = itertools.count()

    def node(self, depth: int) -> tuple[dict[str, Any], Any]:
        """Make a subschema and a value; at depth 0 a leaf, secret or not."""
        if depth == 0:
            number = next(self.numbers)
            if self.draw(st.booleans()):
                return self.wrapped({"type": "string", "writeOnly": True}), f"canary-{number}"
            return {"type": "string"}, f"plain-{number}"
        place = self.draw(st.sampled_from(PLACES))
        below = [self.node(depth - 1) for _ in range(self.draw(st.integers(1, 2)))]
        if place == "items":
            schema, value = below[0]
            return self.wrapped({"type": "array", "items": schema}), [value]
        if place == "prefixItems":
            schemas = [schema for schema, _ in below]
            return self.wrapped({"type": "array", "prefixItems": schemas}), [value for _, value in below]
        if place == "additionalProperties":
            schema, value = below[0]
            return self.wrapped({"type": "object", "additionalProperties": schema}), {"a~/b": value}
        names = [f"f{number}" for number in range(len(below))]
        keys = names if place == "properties" else [f"^{name}$" for name in names]
        schemas = {key: schema for key, (schema, _) in zip(keys, below, strict=True)}
        values = {name: value for name, (_, value) in zip(names, below, strict=True)}
        return self.wrapped({"type": "object", place: schemas}), values

    def wrapped(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Say the same in another way."""
        how = self.draw(st.sampled_from(WRAPPINGS))
        if how in {"$ref", "allOf of $ref"}:
            name = f"d{len(self.defs)}"
            self.defs[name] = schema
            found = {"$ref": f"#/$defs/{name}"}
            return found if how == "$ref" else {"allOf": [found]}
        if how in {"allOf", "anyOf"}:
            return {how: [schema, {"type": schema["type"]}]}
        if how == "oneOf":
            return {how: [schema, {"type": "null"}]}
        if how == "if":
            return {"if": {"type": schema["type"]}, "then": schema}
        if how == "dependentSchemas" and schema["type"] == "object":
            return {"type": "object", how: {"f0": schema, "a~/b": schema}}
        return schema


@st.composite
def made(draw: Any) -> tuple[ConfigSchema, dict[str, Any]]:
    building = Made(draw)
    nodes = [building.node(draw(st.integers(0, 3))) for _ in range(draw(st.integers(1, 3)))]
    properties = {f"p{number}": schema for number, (schema, _) in enumerate(nodes)}
    schema = {"type": "object", "properties": properties, "$defs": building.defs}
    return ConfigSchema("probe", schema), {f"p{number}": value for number, (_, value) in enumerate(nodes)}


def canaries(value: Any) -> list[str]:
    return sorted(CANARY.findall(json.dumps(value)))


@given(made())
def test_nothing_secret_is_shown_and_nothing_is_lost(one):
    schema, config = one
    prepared = prepare(schema, config)

    assert canaries(prepared.public) == []
    assert canaries(list(prepared.secrets.values())) == canaries(config)
    assert "canary" not in repr(prepared)


@given(made())
def test_what_was_read_can_be_sent_back_as_it_is(one):
    schema, config = one
    prepared = prepare(schema, config)
    again = prepare(schema, prepared.public, stored=prepared.public, kept=prepared.secrets)

    assert again == PreparedConfig(prepared.public, prepared.secrets)


@given(made())
def test_a_mask_in_the_place_of_any_secret_is_refused(one):
    schema, config = one
    masked = json.loads(CANARY.sub("********", json.dumps(config)))
    if masked == config:
        return

    with pytest.raises(ConfigRejected) as refused:
        prepare(schema, masked, stored={}, kept=prepare(schema, config).secrets)
    assert all("mask" in why for why in refused.value.faults.values())


@given(made())
def test_null_clears_every_secret(one):
    schema, config = one
    prepared = prepare(schema, config)
    cleared = json.loads(re.sub(r'"canary-\d+"', "null", json.dumps(config)))
    try:
        after = prepare(schema, cleared, stored=prepared.public, kept=prepared.secrets)
    except ConfigRejected:
        return  # an array that holds secrets is one secret as a whole, and null is no item of it
    assert canaries(list(after.secrets.values())) == []
