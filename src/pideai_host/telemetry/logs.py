"""Logging: structlog throughout; what libraries log with the standard library goes the same way."""

import logging
import sys
from collections.abc import Callable
from typing import Any, Literal, cast

import structlog
from structlog.contextvars import bound_contextvars
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from pideai_host.telemetry.redact import redact

__all__ = ["bound_contextvars", "get_logger", "set_up"]

LogFormat = Literal["console", "json"]

_trace_ids: Callable[[], tuple[str, str] | None] | None = None

# they log every request at INFO, with URLs that may hold a customer's tokens
_TOO_TALKATIVE = ("httpx", "httpcore", "hpack", "urllib3", "yoyo.migrations", "psycopg")

# they log each attempt to reach a collector that is away, and each span that is dropped; `spans` says it once
_LEAST_TALKATIVE = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal")


def set_up(*, level: str = "info", log_format: LogFormat = "console") -> None:
    """Send the log to stderr from now on; harmless to repeat.

    Args:
        level: debug, info, warning or error.
        log_format: `json` writes one object a line, for machines; `console` is for people.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,  # plain: richer ones print local variables, secrets among them
        redact,
    ]
    structlog.configure(
        processors=[*shared, _renderer(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(log_format)],
        )
    )
    logging.basicConfig(level=threshold, handlers=[handler], force=True)
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    for name in _LEAST_TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def get_logger(name: str, **bound: Any) -> FilteringBoundLogger:
    """Get a module's logger; it follows `set_up` even if made before it.

    Bind what belongs to all that happens in a block (store_id, plugin, delivery_id) with `bound_contextvars`.
    """
    return cast("FilteringBoundLogger", structlog.get_logger(module=name, **bound))


def follow_traces(ids: Callable[[], tuple[str, str] | None] | None) -> None:
    """Have each line carry the ids of the trace and the span that it was written in, None for no more."""
    global _trace_ids  # noqa: PLW0603 - the log is the process's
    _trace_ids = ids


def _add_trace(_logger: object, _method: str, entry: EventDict) -> EventDict:
    if _trace_ids is not None and (ids := _trace_ids()) is not None:
        entry["trace_id"], entry["span_id"] = ids
    return entry


def _renderer(log_format: LogFormat) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )
