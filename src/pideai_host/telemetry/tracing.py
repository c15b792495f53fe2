"""Whether this process traces, and the way to its spans (docs/adr/0045).

Nothing of OpenTelemetry is imported before `set_up`. Where little is done for each of many, ask `active` first::

    if tracing.active is not None:
        tracing.active.start(…)

"""

import threading
from typing import TYPE_CHECKING, Final

from pideai_host.api.errors import ConfigurationError
from pideai_host.telemetry.logs import follow_traces, get_logger

if TYPE_CHECKING:
    from pideai_host.telemetry.spans import Spans

STOP_LIMIT_S: Final = 5.0
"""How long a process that ends waits for the last spans to be taken."""

active: "Spans | None" = None
"""What makes spans; None while tracing is off."""

_log: Final = get_logger(__name__)


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
    try:
        from pideai_host.telemetry import spans  # noqa: PLC0415 - only where traces are wanted: time and memory
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"an endpoint for traces is set, and {error.name} is not installed",
            hint="Install pideai-host[otel], or unset OTEL_EXPORTER_OTLP_ENDPOINT.",
        ) from error
    try:
        active = spans.Spans(spans.provider(endpoint))
    except ValueError as error:
        raise ConfigurationError(f"OpenTelemetry cannot use its variables: {error}") from error
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
