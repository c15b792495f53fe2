import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.api import (
    BreakerPolicy,
    EventType,
    ExponentialDelays,
    Limits,
    PluginDefinition,
    PluginType,
    RetryPolicy,
)
from pideai_host.plugins import definition_rules as rules


def retrying(**fields):
    return {"retry": RetryPolicy(**fields)}


def growing(**fields):
    return retrying(delays_s=ExponentialDelays(**fields))


def limited(**fields):
    return {"limits": Limits(**fields)}


def broken(**fields):
    return {"breaker": BreakerPolicy(**fields)}


@pytest.mark.parametrize("api", [">=1.0,<2", ">=1", "==1.0", "<=1.0", ">0.9"])
def test_a_range_that_meets_the_window_passes(define, api):
    assert list(rules.contract_window(define(api=api))) == []


@pytest.mark.parametrize(
    ("api", "mover"),
    [
        (">=2.0", "the host"),
        (">1.2", "the host"),
        ("==1.4", "the host"),
        ("<1.0", "the plugin"),
        ("==0.9", "the plugin"),
    ],
)
def test_a_range_beside_the_window_says_who_has_to_move(define, api, mover):
    assert list(rules.contract_window(define(api=api))) == [
        f"it was made for contract {api}, this host honours 1.0 to 1.2; upgrade {mover}"
    ]


@pytest.mark.parametrize("api", ["", "1.0", "^1", ">=1.0.0", ">=1.0 <2", ">=1,,<2"])
def test_what_is_no_range_says_how_to_write_one(define, api):
    (message,) = rules.contract_window(define(api=api))

    assert message.startswith(f"api {api!r} is no range of versions: ")
    assert message.endswith("write one such as '>=1.0,<2'")


@given(st.text(max_size=40))
def test_no_text_breaks_the_window(text):
    definition = PluginDefinition(
        slug="x", name="x", version="1", type=PluginType.PAYMENT, subscribed_events=(), api=text
    )

    assert len(list(rules.contract_window(definition))) <= 1


@pytest.mark.parametrize("slug", ["", "A", "plugins", "a--b"])
def test_a_slug_against_the_rule_is_refused(define, slug):
    assert len(list(rules.valid_slug(define(slug=slug)))) == 1


@pytest.mark.parametrize("event", [*EventType, "loyalty.points_added", "pos.table.opened"])
def test_dotted_names_are_event_types(define, event):
    assert list(rules.dotted_events(define(subscribed_events=(event,)))) == []


@pytest.mark.parametrize(
    "event", ["", "order", "Order.created", "order.", ".created", "order..x", "order.created ", "*"]
)
def test_what_is_no_dotted_name_is_refused(define, event):
    assert list(rules.dotted_events(define(subscribed_events=(event,)))) == [
        f"subscribed event {event!r} is no dotted lower-case name such as 'order.created'; correct it"
    ]


def test_the_defaults_are_sane(define):
    assert list(rules.sane_numbers(define())) == []


@pytest.mark.parametrize(
    "fields",
    [
        retrying(jitter=0.0),
        retrying(jitter=1.0),
        retrying(delays_s=()),
        retrying(delays_s=(86_400.0,) * 10),
        growing(base_s=0.001, factor=1.0, cap_s=86_400.0, calls=20),
        growing(calls=1),
        limited(timeout_s=300.0),
        limited(concurrency=1, concurrency_per_installation=1),
        limited(per_store_per_s=0.001),
        broken(failures=1, growth=1.0),
        {"breaker": None},
        {"max_age_s": 7_200.0},
    ],
    ids=str,
)
def test_numbers_at_their_bounds_pass(define, fields):
    assert list(rules.sane_numbers(define(**fields))) == []


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (retrying(jitter=1.1), "retry.jitter"),
        (retrying(jitter=-0.1), "retry.jitter"),
        (retrying(max_retry_after_s=math.inf), "retry.max_retry_after_s"),
        (retrying(max_wait_s=0.0), "retry.max_wait_s"),
        (retrying(delays_s=(1.0,) * 11), "retry.delays_s"),
        (retrying(delays_s=(86_401.0,)), "retry.delays_s"),
        (retrying(delays_s=(0.0,)), "retry.delays_s"),
        (retrying(delays_s=(math.nan,)), "retry.delays_s"),
        (growing(base_s=0.0), "retry.delays_s.base_s"),
        (growing(factor=0.9), "retry.delays_s.factor"),
        (growing(cap_s=math.inf), "retry.delays_s.cap_s"),
        (growing(calls=21), "retry.delays_s.calls"),
        (growing(calls=0), "retry.delays_s.calls"),
        (limited(timeout_s=301.0), "limits.timeout_s"),
        (limited(timeout_s=0.0), "limits.timeout_s"),
        (limited(timeout_s=math.nan), "limits.timeout_s"),
        (limited(concurrency=0), "limits.concurrency"),
        (limited(concurrency_per_installation=-1), "limits.concurrency_per_installation"),
        (limited(per_store_per_s=0.0), "limits.per_store_per_s"),
        (limited(per_store_per_s=math.inf), "limits.per_store_per_s"),
        (broken(failures=0), "breaker.failures"),
        (broken(window_s=math.nan), "breaker.window_s"),
        (broken(cool_down_s=0.0), "breaker.cool_down_s"),
        (broken(growth=0.9), "breaker.growth"),
        (broken(max_cool_down_s=math.inf), "breaker.max_cool_down_s"),
        ({"max_age_s": 0.0}, "max_age_s"),
        ({"max_age_s": math.inf}, "max_age_s"),
        ({"config_version": 0}, "config_version"),
    ],
    ids=str,
)
def test_a_number_out_of_bounds_is_named(define, fields, name):
    (message,) = rules.sane_numbers(define(**fields))

    assert message.startswith(f"{name} is ")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {"default": {"type": "string"}, "$ref": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}},
        {"type": "object", "properties": {"writeOnly": {"type": "boolean", "default": True}}},
    ],
    ids=str,
)
def test_a_schema_of_an_object_passes(define, schema):
    definition = define(config_schema=schema)

    assert [*rules.valid_schema(definition), *rules.no_secret_defaults(definition)] == []


@pytest.mark.parametrize("schema", [{}, {"type": "array"}, {"type": ["object", "null"]}])
def test_a_schema_of_anything_else_is_refused(define, schema):
    assert list(rules.valid_schema(define(config_schema=schema))) == [
        'config_schema describes no object; give its root "type": "object"'
    ]


def test_a_schema_against_2020_12_is_refused_with_the_place(define):
    schema = {"type": "object", "required": "name"}

    assert list(rules.valid_schema(define(config_schema=schema))) == [
        "config_schema is not valid JSON Schema 2020-12 at $.required: 'name' is not of type 'array'"
    ]


def test_a_pattern_that_is_no_regular_expression_is_refused(define):
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "["}}}

    (message,) = rules.valid_schema(define(config_schema=schema))

    assert message.startswith("config_schema is not valid JSON Schema 2020-12 at $.properties.a.pattern: ")


@pytest.mark.parametrize("target", ["#/$defs/missing", "https://example.com/schema.json", "other.json", "#anchor"])
def test_a_reference_that_leads_out_of_the_schema_is_refused(define, target):
    schema = {"type": "object", "properties": {"a": {"$ref": target}}}

    assert list(rules.valid_schema(define(config_schema=schema))) == [
        f"config_schema refers to {target!r}, which it does not hold; keep references inside the schema"
    ]


def test_a_default_on_a_secret_is_refused(define):
    inner = {"type": "object", "properties": {"key": {"type": "string", "writeOnly": True, "default": "x"}}}
    schema = {"type": "object", "properties": {"provider": inner}}

    assert list(rules.no_secret_defaults(define(config_schema=schema))) == [
        "config_schema has a default on the writeOnly field /properties/provider/properties/key; remove the default"
    ]


def test_a_default_around_a_secret_is_refused(define):
    schema = {
        "type": "object",
        "default": {"key": "x"},
        "properties": {"key": {"type": "string", "writeOnly": True}},
    }

    assert list(rules.no_secret_defaults(define(config_schema=schema))) == [
        "config_schema has a default with the writeOnly field 'key'; remove it"
    ]
