"""What a plugin declares about itself; the host syncs it into the catalogue and holds the plugin to it."""

import re
from enum import StrEnum
from typing import Any, Final

import msgspec

SLUG_PATTERN: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SLUG_MIN_CHARS: Final = 2
SLUG_MAX_CHARS: Final = 32
RESERVED_SLUGS: Final = frozenset(
    {"plugins", "deliveries", "events", "credits", "audit", "stream", "replays", "notices"}
)
"""Words of the host's own paths below a store."""


class PluginType(StrEnum):
    """What a plugin is for."""

    NOTIFICATION = "notification"
    PAYMENT = "payment"
    DELIVERY = "delivery"
    ANALYTICS = "analytics"
    INTEGRATION = "integration"


class ExponentialDelays(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Delays with full jitter: chance picks each one from 0 to a bound, and each bound is `factor` times the last.

    Attributes:
        base_s: The first bound, in seconds.
        factor: By how much each further bound is greater, 1 or more.
        cap_s: The greatest bound.
        calls: The most calls in all, the first one included.
    """

    base_s: float = 2.0
    factor: float = 2.0
    cap_s: float = 600.0
    calls: int = 6


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When to try again after an attempt that failed for now.

    Attributes:
        delays_s: Seconds before the second, third … call, three delays being four calls in all; or a rule for them.
        jitter: Share of a listed delay that chance adds, 0 to 1.
        max_retry_after_s: The most that a receiver's Retry-After can ask for.
        max_wait_s: The longest that a delivery may spend in `wait` before it fails, in seconds.
    """

    delays_s: tuple[float, ...] | ExponentialDelays = (1.0, 5.0, 30.0)
    jitter: float = 0.1
    max_retry_after_s: float = 3_600.0
    max_wait_s: float = 7_200.0


class BreakerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When calls for one store stop because what the plugin talks to is broken, and when they begin again.

    Only what says so counts: an answer of 5xx, no answer, no connection. While the breaker is open the store's
    deliveries are parked and use no attempt; after each cool-down one of them is tried, and its success brings back
    the rest.

    Attributes:
        failures: In a row, without a success between them, that open the breaker.
        window_s: Failures that lie further apart are no row.
        cool_down_s: Seconds from the opening to the first try.
        growth: By how much each further cool-down is longer, 1 or more.
        max_cool_down_s: The longest cool-down; closed for as long, a breaker begins again with the shortest.
    """

    failures: int = 10
    window_s: float = 300.0
    cool_down_s: float = 30.0
    growth: float = 2.0
    max_cool_down_s: float = 900.0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one plugin may take of a worker.

    Attributes:
        timeout_s: Seconds for one hook call, at most 300.
        concurrency: Calls of this plugin at once in one worker process.
        concurrency_per_installation: Calls for one store at once in one worker process.
        per_store_per_s: Calls for one store a second, over all processes; what is over waits. None for no limit.
    """

    timeout_s: float = 30.0
    concurrency: int = 200
    concurrency_per_installation: int = 50
    per_store_per_s: float | None = None


class PluginDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin's declaration, returned by the hook `plugin_definition`.

    Attributes:
        slug: Same as the entry point's name; see `slug_fault`.
        version: The distribution's version, for people.
        subscribed_events: Types that make a delivery; `EventType` values or types that a plugin added.
        config_schema: JSON Schema 2020-12 of the store's configuration; ``writeOnly: true`` marks a secret.
        config_version: Rises when the schema changes; `migrate_config` brings older ones up.
        module: Plan module that a store needs, as in ``has_module_enabled``, or None.
        max_age_s: Older deliveries expire instead of being made; None for never.
        repeat_safe: True when a repeated call with the same delivery id does no harm.
        breaker: When calls for one store rest; None for never.
        ordered: True when events of one entity (an order) are to come one after the other, in their order, each once
            the one before it is over. One that comes after a later one began is marked late in `PluginEvent.metadata`.
        webhook: True when an installation has a `webhook_url` and a `webhook_secret` of its own.
        api: Range of the contract that the plugin was made for, such as ``>=1.0,<2``.
    """

    slug: str
    name: str
    version: str
    type: PluginType
    subscribed_events: tuple[str, ...]
    config_schema: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "object"})
    config_version: int = 1
    description: str = ""
    icon_url: str | None = None
    pricing_model: str = "free"
    module: str | None = None
    retry: RetryPolicy = RetryPolicy()
    max_age_s: float | None = None
    repeat_safe: bool = False
    breaker: BreakerPolicy | None = BreakerPolicy()
    ordered: bool = False
    webhook: bool = False
    limits: Limits = Limits()
    api: str = ">=1.0,<2"


def slug_fault(slug: str) -> str | None:
    """Tell what is wrong with a slug, or None: lower-case words joined by hyphens, 2 to 32 characters, not reserved."""
    if not SLUG_MIN_CHARS <= len(slug) <= SLUG_MAX_CHARS:
        return f"slug {slug!r} has {len(slug)} characters; {SLUG_MIN_CHARS} to {SLUG_MAX_CHARS} are allowed"
    if SLUG_PATTERN.fullmatch(slug) is None:
        return f"slug {slug!r} is not lower-case words joined by single hyphens"
    if slug in RESERVED_SLUGS:
        return f"slug {slug!r} is reserved for the host's own paths"
    return None
