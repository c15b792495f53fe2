"""What a definition must say: each rule takes the definition and yields messages that tell what to do."""

import math
import re
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from pideai_host.api.definition import ExponentialDelays, PluginDefinition, slug_fault
from pideai_host.api.version import API_FLOOR, API_VERSION, api_matches
from pideai_host.plugins.bounds import ATTEMPTS_MAX, CALLS_MAX, DAY_S, DELAYS_MAX, GROWTH_MAX, MIN_S, MONTH_S

_TIMEOUT_MAX_S: Final = 300.0
_CONFIG_VERSION_MAX: Final = 10_000
_EVENT_TYPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_EVENT_TYPE_MAX_CHARS: Final = 100
_LOWER_BOUND: Final = re.compile(r"(>=|==|>)\s*(\d+)(?:\.(\d+))?")


_RANGES: Final = (
    ("retry.jitter", 0.0, 1.0),
    ("retry.max_retry_after_s", MIN_S, MONTH_S),
    ("retry.max_wait_s", MIN_S, MONTH_S),
    ("limits.timeout_s", MIN_S, _TIMEOUT_MAX_S),
    ("limits.concurrency", 1, CALLS_MAX),
    ("limits.concurrency_per_installation", 1, CALLS_MAX),
    ("config_version", 1, _CONFIG_VERSION_MAX),
)
"""Attribute of the definition, least and greatest value; NaN is in no range."""
_BREAKER_RANGES: Final = (
    ("breaker.failures", 1, CALLS_MAX),
    ("breaker.window_s", MIN_S, DAY_S),
    ("breaker.cool_down_s", MIN_S, DAY_S),
    ("breaker.growth", 1.0, GROWTH_MAX),
    ("breaker.max_cool_down_s", MIN_S, DAY_S),
)
_EXPONENTIAL_RANGES: Final = (
    ("retry.delays_s.base_s", MIN_S, DAY_S),
    ("retry.delays_s.factor", 1.0, GROWTH_MAX),
    ("retry.delays_s.cap_s", MIN_S, DAY_S),
    ("retry.delays_s.calls", 1, ATTEMPTS_MAX),
)


def contract_window(definition: PluginDefinition) -> Iterator[str]:
    """Demand a range of contract versions that meets what this host honours; say who has to move."""
    try:
        if api_matches(definition.api):
            return
    except ValueError as error:
        yield f"api {definition.api!r} is no range of versions: {error}; write one such as '>=1.0,<2'"
        return
    floor, newest = (".".join(map(str, version)) for version in (API_FLOOR, API_VERSION))
    mover = "the host" if _is_ahead(definition.api) else "the plugin"
    yield f"it was made for contract {definition.api}, this host honours {floor} to {newest}; upgrade {mover}"


def valid_slug(definition: PluginDefinition) -> Iterator[str]:
    """Demand a slug by the rule of `slug_fault`."""
    fault = slug_fault(definition.slug)
    if fault is not None:
        yield f"{fault}; rename the plugin"


def dotted_events(definition: PluginDefinition) -> Iterator[str]:
    """Demand event types that are dotted lower-case names; the twelve of `EventType` are."""
    for event in definition.subscribed_events:
        if _EVENT_TYPE.fullmatch(event) is None:
            yield f"subscribed event {event!r} is no dotted lower-case name such as 'order.created'; correct it"


def sane_numbers(definition: PluginDefinition) -> Iterator[str]:
    """Demand limits and times that are finite and within the host's bounds."""
    delays = definition.retry.delays_s
    is_exponential = isinstance(delays, ExponentialDelays)
    ranges = (
        *_RANGES,
        *(_BREAKER_RANGES if definition.breaker else ()),
        *(_EXPONENTIAL_RANGES if is_exponential else ()),
    )
    for name, least, greatest in ranges:
        value = attrgetter(name)(definition)
        if not least <= value <= greatest:
            yield f"{name} is {value!r}; set it from {least} to {greatest}"
    if definition.max_age_s is not None and not MIN_S <= definition.max_age_s < math.inf:
        yield f"max_age_s is {definition.max_age_s!r}; set it above 0, or None for never"
    rate = definition.limits.per_store_per_s
    if rate is not None and not MIN_S <= rate <= CALLS_MAX:
        yield f"limits.per_store_per_s is {rate!r}; set it from {MIN_S} to {CALLS_MAX}, or None for no limit"
    if isinstance(delays, ExponentialDelays):
        return
    if len(delays) > DELAYS_MAX or not all(MIN_S <= delay <= DAY_S for delay in delays):
        yield f"retry.delays_s is {delays!r}; give at most {DELAYS_MAX}, each from {MIN_S:g} to {DAY_S:g} seconds"


def valid_schema(definition: PluginDefinition) -> Iterator[str]:
    """Demand a JSON Schema 2020-12 of an object whose references stay inside it."""
    yield from schema_faults("config_schema", definition.config_schema)


def schema_faults(name: str, schema: dict[str, Any]) -> Iterator[str]:
    """Say what keeps something from being a JSON Schema 2020-12 of an object whose references stay inside it."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield f"{name} is not valid JSON Schema 2020-12 at {error.json_path}: {error.message}"
        return
    if schema.get("type") != "object":
        yield f'{name} describes no object; give its root "type": "object"'
    yield from _unresolved(name, schema)


def is_event_type(name: object) -> bool:
    """Tell whether a name is dotted and lower-case, as event types are."""
    return isinstance(name, str) and len(name) <= _EVENT_TYPE_MAX_CHARS and _EVENT_TYPE.fullmatch(name) is not None


def no_secret_defaults(definition: PluginDefinition) -> Iterator[str]:
    """Refuse a default for a secret: it would be no secret, since everybody can read the schema."""
    for at, node in _nodes(definition.config_schema):
        default, properties = node.get("default"), node.get("properties")
        if _is_secret(node) and "default" in node:
            yield f"config_schema has a default on the writeOnly field {at}; remove the default"
        if isinstance(default, Mapping) and isinstance(properties, Mapping):
            secrets = [name for name, field in properties.items() if name in default and _is_secret(field)]
            yield from (f"config_schema has a default with the writeOnly field {name!r}; remove it" for name in secrets)


DEFINITION_RULES: Final = (valid_slug, dotted_events, sane_numbers, valid_schema, no_secret_defaults)
"""Rules for a definition made for a contract that this host honours."""


def _is_ahead(wanted: str) -> bool:
    """Tell whether a range, valid and not met, asks for more than this host has."""
    bounds = [(op, (int(major), int(minor or 0))) for op, major, minor in _LOWER_BOUND.findall(wanted)]
    return any(bound > API_VERSION or (op == ">" and bound == API_VERSION) for op, bound in bounds)


def _unresolved(name: str, schema: dict[str, Any]) -> Iterator[str]:
    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for _, node in _nodes(schema):
        target = node.get("$ref")
        if not isinstance(target, str):
            continue
        try:
            resolver.lookup(target)
        except Unresolvable:
            yield f"{name} refers to {target!r}, which it does not hold; keep references inside the schema"


def _is_secret(field: object) -> bool:
    return isinstance(field, Mapping) and field.get("writeOnly") is True


def _nodes(part: object, at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every object of a JSON document with its JSON pointer, outer before inner."""
    if isinstance(part, Mapping):
        yield at, part
        for name, inner in part.items():
            yield from _nodes(inner, f"{at}/{name}")
    elif isinstance(part, list | tuple):
        for index, inner in enumerate(part):
            yield from _nodes(inner, f"{at}/{index}")
