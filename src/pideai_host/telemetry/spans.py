"""Spans, made with OpenTelemetry's SDK; imported only by `tracing.set_up`.

What they say is bounded and harmless: slugs, types, ids, codes and the names of errors. Never a payload, a text of an
error, a URL's path or query: all of these may hold what nobody but the store should read.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import pideai_host
from pideai_host.telemetry.logs import get_logger
from pideai_host.telemetry.metrics import SPANS_EXPORTED

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | float | bool]

NAME: Final = "traceparent"
_KINDS: Final[Mapping[Kind, SpanKind]] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_NO_TRACE: Final = 1
"""The id of what is not to be recorded, as was decided where it came in."""

_UNWATCHED: Final = NonRecordingSpan(
    SpanContext(trace_id=_NO_TRACE, span_id=1, is_remote=True, trace_flags=TraceFlags(TraceFlags.DEFAULT))
)

_log: Final = get_logger(__name__)


class Spans:
    """Makes spans; safe to use from any thread."""

    def __init__(self, made_by: TracerProvider) -> None:
        self._provider = made_by
        self._tracer = made_by.get_tracer("pideai_host", pideai_host.__version__)
        self._propagator = TraceContextTextMapPropagator()

    def start(
        self,
        name: str,
        kind: Kind = "internal",
        *,
        parent: str | Span | None = None,
        links: Sequence[str] = (),
        attributes: Attributes | None = None,
    ) -> Span:
        """Begin a span, to be ended with `end`.

        Args:
            name: Of few different ones.
            kind: OpenTelemetry's.
            parent: A span, or a `traceparent`; None for the one that this moment lies in.
            links: `traceparent`s of what it goes back to.
            attributes: What to say of it.
        """
        return self._tracer.start_span(
            name,
            context=None if parent is None else self._context(parent),
            kind=_KINDS[kind],
            links=[Link(found) for one in links if (found := self._read(one)).is_valid],
            attributes=dict(attributes or {}),
            record_exception=False,
            set_status_on_exception=False,
        )

    @contextmanager
    def span(
        self, name: str, kind: Kind = "internal", *, parent: str | None = None, attributes: Attributes | None = None
    ) -> Iterator[Span]:
        """Have a block in a span; what it raises is named in it by its class."""
        made = self.start(name, kind, parent=parent, attributes=attributes)
        try:
            with self.within(made):
                yield made
        except BaseException as error:  # one that was cancelled is marked as such, too
            self.mark(made, type(error).__name__)
            raise
        finally:
            made.end()

    @contextmanager
    def within(self, made: Span | None) -> Iterator[None]:
        """Have a block below a span; below None nothing is recorded."""
        token = contexts.attach(trace.set_span_in_context(_UNWATCHED if made is None else made))
        try:
            yield
        finally:
            contexts.detach(token)

    def announce(self, event_type: str, attributes: Attributes) -> str | None:
        """Tell of an event that was made here, and return the `traceparent` of what follows from it."""
        made = self.start(f"event {event_type}", "producer", attributes=attributes)
        made.end()
        return self.traceparent(made)

    def current(self) -> str | None:
        """Return the `traceparent` of this moment; None where nothing is recorded."""
        return self.traceparent(trace.get_current_span())

    def traceparent(self, made: Span) -> str | None:
        """Return a span as others may go on from it; None if it is not recorded."""
        told = made.get_span_context()
        if not (told.is_valid and told.trace_flags.sampled):
            return None
        return f"00-{told.trace_id:032x}-{told.span_id:016x}-01"

    def ids(self) -> tuple[str, str] | None:
        """Return the ids of this moment's trace and span, for the log; None where there are none."""
        told = trace.get_current_span().get_span_context()
        if not told.is_valid or told.trace_id == _NO_TRACE:
            return None
        return f"{told.trace_id:032x}", f"{told.span_id:016x}"

    def mark(self, made: Span, error: str) -> None:
        """Say that what a span tells of went wrong; `error` is a class, a code or an outcome, never a text."""
        made.set_attribute("error.type", error)
        made.set_status(StatusCode.ERROR)

    def close(self) -> None:
        """Send what is left. Blocks while it is being sent."""
        self._provider.shutdown()

    def _context(self, parent: str | Span) -> contexts.Context:
        if isinstance(parent, str):
            return self._propagator.extract({NAME: parent}, context=contexts.Context())
        return trace.set_span_in_context(parent, contexts.Context())

    def _read(self, traceparent: str) -> SpanContext:
        return trace.get_current_span(self._context(traceparent)).get_span_context()


def provider(endpoint: str) -> TracerProvider:
    """Return what sends spans to an endpoint, from a thread of its own and out of a queue that is bounded.

    Raises:
        ValueError: one of OpenTelemetry's variables cannot be used.
    """
    own: dict[str, str | int] = {
        "service.name": "pideai-host",
        "service.version": pideai_host.__version__,
        "process.pid": os.getpid(),
    }
    made = TracerProvider(resource=Resource.create(own).merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    made.sampler = _Followed(made.sampler)
    made.add_span_processor(BatchSpanProcessor(CountingExporter(OTLPSpanExporter(endpoint=endpoint))))
    return made


class _Followed(Sampler):
    """Samples as its variables say, but nothing below `_UNWATCHED`, whether they look at parents or not."""

    def __init__(self, told: Sampler) -> None:
        self._told = told

    def should_sample(self, parent_context: contexts.Context | None, *others: Any, **named: Any) -> SamplingResult:
        if trace.get_current_span(parent_context).get_span_context().trace_id == _NO_TRACE:
            return SamplingResult(Decision.DROP)
        return self._told.should_sample(parent_context, *others, **named)

    def get_description(self) -> str:
        return self._told.get_description()


class CountingExporter(SpanExporter):
    """Counts what was taken and what was lost, and says once when that changes."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_away = False
        self._lock = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; blocks its thread alone."""
        result = self._exporter.export(spans)
        is_taken = result is SpanExportResult.SUCCESS
        SPANS_EXPORTED.labels(result="taken" if is_taken else "lost").inc(len(spans))
        with self._lock:
            has_changed, self._is_away = self._is_away is is_taken, not is_taken
        if has_changed and is_taken:
            _log.info("traces_taken_again")
        elif has_changed:
            _log.warning("traces_not_taken", hint="Is the endpoint of OTEL_EXPORTER_OTLP_ENDPOINT right, and up?")
        return result

    def shutdown(self) -> None:
        """End."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back here."""
        return self._exporter.force_flush(timeout_millis)
