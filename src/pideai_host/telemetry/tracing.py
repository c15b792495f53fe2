"""Whether this process traces, and the way to its spans (docs/adr/0045).

Nothing of OpenTelemetry is imported before `set_up`. Where little is done for each of many, ask `active` first::

    if tracing.active is not None:
        tracing.active.start(…)

"""

import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from pideai_host.api.errors import ConfigurationError
from pideai_host.telemetry.logs import follow_traces, get_logger

if TYPE_CHECKING:
    from pideai_host.telemetry.spans import Spans

STOP_LIMIT_S: Final = 5.0
"""How long a process that ends waits for the last spans to be taken."""

active: "Spans | None" = None
"""What makes spans; None while tracing is off."""

_NEEDED: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_log: Final = get_logger(__name__)


def require(endpoint: str | None) -> None:
    """Return if a process may trace as its settings say; imports nothing.

    Raises:
        ConfigurationError: there is an endpoint, and OpenTelemetry is not installed.
    """
    if endpoint is not None and not all(_is_installed(name) for name in _NEEDED):
        raise ConfigurationError(
            "an endpoint for traces is set, and OpenTelemetry is not installed",
            hint="Install pideai-host[otel], or unset OTEL_EXPORTER_OTLP_ENDPOINT.",
        )


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # nor is what it lies in
        return False


def set_up(endpoint: str | None) -> None:
    """Trace from now on, or not if there is no endpoint; to be called before anything is opened.

    Args:
        endpoint: Where OTLP over HTTP is taken, with its path (`Settings.traces_endpoint`). All else that
            OpenTelemetry's own variables say, its SDK reads itself.

    Raises:
        ConfigurationError: OpenTelemetry is not installed, or cannot use one of its variables.
    """
    global active  # noqa: PLW0603 - a process traces or does not, as it logs
    if endpoint is None or active is not None:
        return
    require(endpoint)
    from pideai_host.telemetry import spans  # noqa: PLC0415 - only where traces are wanted: time and memory

    try:
        active = spans.Spans(spans.provider(endpoint))
    except ValueError as error:
        raise ConfigurationError(
            f"OpenTelemetry cannot use its variables: {error}",
            hint="They begin with OTEL_; docs/operations.md names some.",
        ) from error
    follow_traces(active.ids)


def shut_down(limit_s: float = STOP_LIMIT_S) -> None:
    """Trace no more; what is left is sent, but not waited for beyond a limit. Blocks for as long; idempotent."""
    global active
    if active is None:
        return
    ending, active = active, None
    follow_traces(None)
    # A daemon, since a collector that is away holds its sender for longer than a stop may take.
    stopping = threading.Thread(target=ending.close, name="tracing-stop", daemon=True)
    stopping.start()
    stopping.join(limit_s)
    if stopping.is_alive():
        _log.warning("spans_left_behind", waited_s=limit_s)


def current() -> str | None:
    """Return where this moment stands in a trace, as the header `traceparent`; None where nothing is recorded."""
    return None if active is None else active.current()
