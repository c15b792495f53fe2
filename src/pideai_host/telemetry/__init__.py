"""What the host tells of itself: logs (structlog) and metrics (prometheus), neither ever with a secret in it."""

from pideai_host.telemetry.logs import bound_contextvars, get_logger, set_up
from pideai_host.telemetry.metrics import (
    BREAKER_TRANSITIONS,
    CALLS_LEFT_BEHIND,
    CALLS_STUCK,
    DELIVERIES_SETTLED,
    EVENTS_ACCEPTED,
    HOOK_SECONDS,
    JWKS_LOADED_AT,
    JWKS_REFRESHES,
    LOOP_BLOCKS,
    PLUGINS_QUARANTINED,
    QUARANTINED,
    REGISTRY,
    REPLAYED,
    REQUESTS_LIMITED,
    TASKS_LEFT,
    exposition,
)
from pideai_host.telemetry.redact import redacted_text

__all__ = [
    "BREAKER_TRANSITIONS",
    "CALLS_LEFT_BEHIND",
    "CALLS_STUCK",
    "DELIVERIES_SETTLED",
    "EVENTS_ACCEPTED",
    "HOOK_SECONDS",
    "JWKS_LOADED_AT",
    "JWKS_REFRESHES",
    "LOOP_BLOCKS",
    "PLUGINS_QUARANTINED",
    "QUARANTINED",
    "REGISTRY",
    "REPLAYED",
    "REQUESTS_LIMITED",
    "TASKS_LEFT",
    "bound_contextvars",
    "exposition",
    "get_logger",
    "redacted_text",
    "set_up",
]
