"""How deliveries are made: what the plugin's definition says, and what an installation wants otherwise.

A store may ask for less of what it shares with others than its plugin allows (calls at once, calls a second), never for
more, and cannot do without the breaker (docs/adr/0018). Time limits and calls at once in all stay the plugin's.
"""

import copy
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from pideai_host.api import BreakerPolicy, ExponentialDelays, PluginDefinition, RetryPolicy
from pideai_host.plugins.bounds import ATTEMPTS_MAX, CALLS_MAX, DAY_S, DELAYS_MAX, GROWTH_MAX, MIN_S, MONTH_S
from pideai_host.stores.schema import ConfigSchema
from pideai_host.telemetry import get_logger

FAILURES_MAX: Final = 100
"""An installation's breaker opens after so many failures at the latest."""

_Delay = Annotated[float, Meta(ge=MIN_S, le=DAY_S)]
_UpToMonth = Annotated[float, Meta(ge=MIN_S, le=MONTH_S)]
_Growth = Annotated[float, Meta(ge=1, le=GROWTH_MAX)]
_Policy = TypeVar("_Policy", bound=msgspec.Struct)

_log: Final = get_logger(__name__)


class GrowingDelays(ExponentialDelays, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Delays with full jitter: each from 0 to a bound that grows by `factor`, from `base_s` up to `cap_s`."""

    base_s: _Delay = 2.0
    factor: _Growth = 2.0
    cap_s: _Delay = 600.0
    calls: Annotated[int, Meta(ge=1, le=ATTEMPTS_MAX)] = 6


class RetryOverride(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When to try again; see `RetryPolicy`."""

    delays_s: Annotated[tuple[_Delay, ...], Meta(max_length=DELAYS_MAX)] | GrowingDelays | UnsetType = UNSET
    jitter: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    max_retry_after_s: _UpToMonth | UnsetType = UNSET
    max_wait_s: _UpToMonth | UnsetType = UNSET


class BreakerOverride(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When calls rest; see `BreakerPolicy`. Cannot be switched off."""

    failures: Annotated[int, Meta(ge=1, le=FAILURES_MAX)] | UnsetType = UNSET
    window_s: _Delay | UnsetType = UNSET
    cool_down_s: _Delay | UnsetType = UNSET
    growth: _Growth | UnsetType = UNSET
    max_cool_down_s: _Delay | UnsetType = UNSET


class LimitsOverride(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast; at most what the plugin allows."""

    concurrency_per_installation: Annotated[int, Meta(ge=1, le=CALLS_MAX)] | UnsetType = UNSET
    per_store_per_s: Annotated[float, Meta(ge=MIN_S, le=CALLS_MAX)] | UnsetType = UNSET


class PolicyOverride(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an installation wants otherwise than its plugin; what is left out is as the plugin says.

    Attributes:
        max_age_s: Older deliveries expire; null for never.
        ordered: Whether events of one entity come one after the other.
    """

    retry: RetryOverride | UnsetType = UNSET
    breaker: BreakerOverride | UnsetType = UNSET
    limits: LimitsOverride | UnsetType = UNSET
    max_age_s: _UpToMonth | UnsetType | None = UNSET
    ordered: bool | UnsetType = UNSET


class DeliveryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the deliveries of one installation; the fields are those of the definition."""

    retry: RetryPolicy
    breaker: BreakerPolicy | None
    max_age_s: float | None
    ordered: bool
    per_store_per_s: float | None
    concurrency_per_installation: int


def policy_of(definition: PluginDefinition, override: PolicyOverride | None = None) -> DeliveryPolicy:
    """Merge what a plugin says with what an installation wants otherwise.

    What the plugin allows less of than it did when the installation asked is cut down to that.
    """
    override = override or _NOTHING
    limits = definition.limits if override.limits is UNSET else _merged(definition.limits, override.limits)
    rates = [one for one in (limits.per_store_per_s, definition.limits.per_store_per_s) if one is not None]
    places = (limits.concurrency_per_installation, definition.limits.concurrency_per_installation)
    breaker = definition.breaker
    if override.breaker is not UNSET:
        breaker = _merged(breaker or BreakerPolicy(), override.breaker)
    return DeliveryPolicy(
        retry=definition.retry if override.retry is UNSET else _merged(definition.retry, override.retry),
        breaker=breaker,
        max_age_s=definition.max_age_s if override.max_age_s is UNSET else override.max_age_s,
        ordered=definition.ordered if override.ordered is UNSET else override.ordered,
        per_store_per_s=min(rates, default=None),
        concurrency_per_installation=min(places),
    )


def policy_faults(definition: PluginDefinition, submitted: Mapping[str, Any]) -> dict[str, str]:
    """Return every fault of an override by its JSON pointer, what the plugin does not allow included."""
    schema = copy.deepcopy(_SCHEMA)
    limits = schema["$defs"]["LimitsOverride"]["properties"]
    limits["concurrency_per_installation"]["maximum"] = definition.limits.concurrency_per_installation
    if definition.limits.per_store_per_s is not None:
        limits["per_store_per_s"]["maximum"] = definition.limits.per_store_per_s
    return ConfigSchema(definition.slug, schema).faults(submitted)


def read_override(kept: Mapping[str, Any] | None) -> PolicyOverride | None:
    """Return an override without faults, as it is kept; None where there is none, or nothing in it.

    One that no host of ours wrote is left out, and logged: a slip must not keep the plugin from working.
    """
    if not kept:
        return None
    try:
        return msgspec.convert(kept, PolicyOverride, strict=False)
    except msgspec.ValidationError as error:
        _log.error("policy_unreadable", reason=str(error), hint="The plugin's own policy holds instead.")
        return None


def _merged(base: _Policy, override: msgspec.Struct) -> _Policy:
    given = {name: value for name, value in msgspec.structs.asdict(override).items() if value is not UNSET}
    return msgspec.structs.replace(base, **given)


def _schema() -> dict[str, Any]:
    """Return the override's JSON Schema; where a value has two forms, the one that was meant is judged."""
    schema = msgspec.json.schema(PolicyOverride)
    delays = schema["$defs"]["RetryOverride"]["properties"]["delays_s"]
    listed, growing = sorted(delays.pop("anyOf"), key=lambda way: "$ref" in way)
    delays |= {"if": {"type": "object"}, "then": growing, "else": listed}
    age = schema["$defs"]["PolicyOverride"]["properties"]["max_age_s"]
    age |= {**next(way for way in age.pop("anyOf") if way["type"] == "number"), "type": ["number", "null"]}
    return schema


_NOTHING: Final = PolicyOverride()
_SCHEMA: Final = _schema()
