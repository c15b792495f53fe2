"""A configuration is checked whole, filled in, and parted from its secrets; secrets are write-only."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.api import ConfigRejected, PluginFault
from pideai_host.stores.config import CONFIG_MAX_BYTES, PreparedConfig, omitted_secrets, prepare
from pideai_host.stores.schema import ConfigSchema

CANARY = "canary-secret"

PAY = ConfigSchema(
    "pay",
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["apiKey"],
        "properties": {
            "apiKey": {"type": "string", "minLength": 8, "writeOnly": True},
            "note": {"type": "string", "writeOnly": True},
            "mode": {"enum": ["test", "live"], "default": "test"},
            "contact": {"type": "string", "format": "email"},
            "retries": {"type": "integer", "minimum": 0, "default": 3},
            "smtp": {
                "type": "object",
                "properties": {"host": {"type": "string"}, "password": {"type": "string", "writeOnly": True}},
            },
            "accounts": {"type": "array", "items": {"$ref": "#/$defs/account"}},
            "tokens": {"type": "array", "items": {"type": "string", "writeOnly": True}},
        },
        "$defs": {
            "account": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "country": {"type": "string", "default": "VE"},
                    "pin": {"type": "string", "writeOnly": True},
                },
            }
        },
    },
)


def rejected(schema, submitted, **stored) -> dict[str, str]:
    with pytest.raises(ConfigRejected) as caught:
        prepare(schema, submitted, **stored)
    return caught.value.faults


def test_secrets_are_parted_at_any_depth_and_defaults_filled_in():
    prepared = prepare(
        PAY,
        {"apiKey": CANARY, "smtp": {"host": "h", "password": "p"}, "accounts": [{"name": "a", "pin": "1"}]},
    )

    assert prepared.public == {
        "smtp": {"host": "h"},
        "accounts": [{"name": "a", "country": "VE"}],
        "mode": "test",
        "retries": 3,
    }
    assert prepared.secrets == {"/apiKey": CANARY, "/smtp/password": "p", "/accounts/0/pin": "1"}


def test_an_array_of_secrets_is_one_secret():
    prepared = prepare(PAY, {"apiKey": CANARY, "tokens": ["t1", "t2"]})

    assert "tokens" not in prepared.public
    assert prepared.secrets["/tokens"] == ["t1", "t2"]


def test_what_the_owner_sent_is_left_as_it_is():
    submitted = {"apiKey": CANARY, "accounts": [{"name": "a", "pin": None}]}
    before = copy.deepcopy(submitted)

    prepare(PAY, submitted)

    assert submitted == before


def test_all_faults_come_at_once_by_pointer():
    faults = rejected(PAY, {"mode": "prod", "retries": -1, "contact": "nobody", "extra": 1, "accounts": [{}]})

    assert faults == {
        "/accounts/0/name": "is required",
        "/apiKey": "is required",
        "/contact": "must be a valid email",
        "/extra": "is not a known field",
        "/mode": "must be one of test, live",
        "/retries": "must be at least 0",
    }


def test_no_fault_repeats_a_value():
    schema = ConfigSchema(
        "x",
        {
            "anyOf": [{"properties": {"a": {"type": "integer"}}}, {"required": ["b"]}],
            "properties": {
                "a": {"type": "string", "writeOnly": True, "pattern": "^k", "maxLength": 3, "format": "uuid"},
                "c": {"const": 1},
            },
            "propertyNames": {"maxLength": 1},
        },
    )

    faults = rejected(schema, {"a": CANARY, "c": CANARY})

    assert CANARY not in json.dumps(faults)


def test_a_left_out_secret_is_kept_and_counts_for_the_check():
    prepared = prepare(PAY, {"mode": "live"}, stored={"mode": "test"}, kept={"/apiKey": CANARY})

    assert prepared.secrets == {"/apiKey": CANARY}


def test_a_secret_that_is_sent_replaces_the_kept_one():
    prepared = prepare(PAY, {"apiKey": "another-one"}, stored={}, kept={"/apiKey": CANARY})

    assert prepared.secrets == {"/apiKey": "another-one"}


def test_null_clears_a_secret():
    prepared = prepare(PAY, {"apiKey": CANARY, "note": None}, stored={}, kept={"/note": "old"})

    assert prepared.secrets == {"/apiKey": CANARY}


def test_null_for_a_required_secret_is_refused():
    assert rejected(PAY, {"apiKey": None}, stored={}, kept={"/apiKey": CANARY}) == {"/apiKey": "is required"}


@pytest.mark.parametrize("mask", ["****", "••••••••", "●●●"])
def test_a_mask_never_becomes_the_secret(mask):
    assert list(rejected(PAY, {"apiKey": mask})) == ["/apiKey"]
    assert list(rejected(PAY, {"apiKey": CANARY, "tokens": [mask]})) == ["/tokens"]


def test_an_object_that_is_left_out_goes_with_its_secrets():
    prepared = prepare(PAY, {"apiKey": CANARY}, stored={"smtp": {}}, kept={"/smtp/password": "p"})

    assert prepared.secrets == {"/apiKey": CANARY}


def test_an_item_of_an_array_keeps_its_secret_only_while_it_is_otherwise_unchanged():
    stored = {"accounts": [{"name": "a", "country": "VE"}, {"name": "b", "country": "VE"}]}
    kept = {"/accounts/0/pin": "1", "/accounts/1/pin": "2"}

    same = prepare(PAY, {"apiKey": CANARY, **stored}, stored=stored, kept=kept)
    swapped = prepare(PAY, {"apiKey": CANARY, "accounts": stored["accounts"][::-1]}, stored=stored, kept=kept)

    assert same.secrets == {"/apiKey": CANARY, **kept}
    assert swapped.secrets == {"/apiKey": CANARY}


def test_a_kept_secret_that_the_schema_calls_secret_no_longer_is_dropped_and_not_shown():
    schema = ConfigSchema("x", {"type": "object", "properties": {"key": {"type": "string"}}})

    prepared = prepare(schema, {}, stored={}, kept={"/key": CANARY})

    assert prepared == PreparedConfig({}, {})


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"k": {"$ref": "#/$defs/s"}}, "$defs": {"s": {"type": "string", "writeOnly": True}}},
        {"properties": {"k": {"$ref": "#s"}}, "$defs": {"s": {"$anchor": "s", "writeOnly": True}}},
        {"allOf": [{"properties": {"k": {"writeOnly": True}}}]},
        {"oneOf": [{"properties": {"k": {"writeOnly": True}}}, {"required": ["absent"]}]},
        {"if": {"required": ["absent"]}, "then": {"properties": {"k": {"writeOnly": True}}}},
        {"patternProperties": {"^k$": {"writeOnly": True}}},
        {"additionalProperties": {"writeOnly": True}},
        {"unevaluatedProperties": {"writeOnly": True}},
        {"dependentSchemas": {"absent": {"properties": {"k": {"writeOnly": True}}}}},
        {"properties": {"k": {"anyOf": [{"$ref": "#"}, {"writeOnly": True}]}}},
    ],
    ids=["ref", "anchor", "allOf", "oneOf", "then", "pattern", "additional", "unevaluated", "dependent", "recursive"],
)
def test_any_subschema_that_can_apply_makes_a_value_secret(schema):
    prepared = prepare(ConfigSchema("x", schema), {"k": CANARY})

    assert prepared.secrets == {"/k": CANARY}


def test_a_default_stands_where_the_value_is_missing_even_through_references():
    schema = ConfigSchema(
        "x",
        {
            "properties": {"a": {"$ref": "#/$defs/a"}, "b": {"default": {}, "$ref": "#/$defs/b"}},
            "$defs": {"a": {"default": [1]}, "b": {"properties": {"c": {"default": 7}}}},
        },
    )

    first = prepare(schema, {}).public
    first["a"].append(2)

    assert prepare(schema, {}).public == {"a": [1], "b": {"c": 7}}


def test_a_default_of_a_branch_is_not_filled_in():
    schema = ConfigSchema("x", {"anyOf": [{"properties": {"a": {"default": 1}}}, {"required": ["b"]}]})

    assert prepare(schema, {}).public == {}


@pytest.mark.parametrize(
    ("config", "at"),
    [
        ({"a": "x\x00y"}, "/a"),
        ({"a": ["ok", "\ud800"]}, "/a/1"),
        ({"b\x00": 1}, ""),
        ({"a": "x" * CONFIG_MAX_BYTES}, ""),
        ({"a": 10**5000}, ""),
        ({"a": object()}, ""),
    ],
    ids=["nul", "surrogate", "nul in a key", "too large", "huge number", "not JSON"],
)
def test_what_cannot_be_kept_is_refused_before_anything_else(config, at):
    assert list(rejected(ConfigSchema("x", {}), config)) == [at]


def test_a_deep_configuration_is_refused():
    deep: dict[str, object] = {}
    for _ in range(2_000):
        deep = {"a": deep}

    assert list(rejected(ConfigSchema("x", {"properties": {"a": {"$ref": "#"}}}), deep)) == [""]


@pytest.mark.parametrize("reference", ["https://example.com/schema.json", "#/$defs/absent"])
def test_a_reference_out_of_the_schema_is_a_fault_of_the_plugin_and_is_never_fetched(reference):
    with pytest.raises(PluginFault):
        prepare(ConfigSchema("x", {"properties": {"a": {"$ref": reference}}}), {"a": 1})


def test_a_schema_that_refers_to_itself_without_end_is_a_fault_of_the_plugin():
    schema = ConfigSchema("x", {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#"}]}}})

    with pytest.raises(PluginFault):
        prepare(schema, {"a": 1})


def test_a_repr_shows_no_secret():
    assert CANARY not in repr(prepare(PAY, {"apiKey": CANARY}))


def test_only_what_is_left_out_is_wanted_back():
    submitted = {"apiKey": None, "smtp": {}}

    assert omitted_secrets(submitted, ["/apiKey", "/note", "/smtp/password", "/accounts/0/pin"]) == [
        "/note",
        "/smtp/password",
    ]


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["apiKey", "note", "smtp", "accounts", "tokens", "mode", "x"]), _json))
def test_any_configuration_is_either_rejected_or_kept_without_its_secrets(config):
    try:
        prepared = prepare(PAY, config)
    except ConfigRejected:
        return

    assert PAY.secret_paths(prepared.public) == []
    assert PAY.faults(prepared.public) in ({}, {"/apiKey": "is required"})
    again = prepare(PAY, prepared.public, stored=prepared.public, kept=prepared.secrets)
    assert again == prepared
