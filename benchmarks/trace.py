"""Traces: what a hook's call costs where one is recorded, and where none is, beside a process that traces nothing.

`hook` is one call through the runner; `delivery` all spans of one event and its delivery, sent to nobody; `asked` what
is left where nothing is traced: one look at whether anything is.
"""

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks.figures import Figure, alone, compared
from benchmarks.harness import Options
from benchmarks.hook import LIMIT_S, AsyncPlugin
from benchmarks.loop import on_workers_loop
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.plugins.traced import TracedRunner
from pideai_host.telemetry import tracing
from pideai_host.telemetry.spans import Spans

CALLS: Final = 10_000
LOOKS: Final = 1_000_000
FACTS: Final = {f"pideai.{name}": "0d9a6f4e-5e0c-4b7a-9d56-2f8f7d1c9a01" for name in ("event", "store", "delivery")}


class _Nobody(SpanExporter):
    """Takes spans, and does nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
        return SpanExportResult.SUCCESS


async def run(options: Options) -> list[Figure]:
    """Measure, on the loop that workers run on."""
    return await on_workers_loop(_measure(options.rounds))


async def _measure(rounds: int) -> list[Figure]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_Nobody()))
    spans = Spans(provider)
    hook = Registry.of({"async": AsyncPlugin("async")}).hook("async", "handle_event")
    if hook is None:
        raise RuntimeError("there is no hook")
    arguments = {"event": object(), "config": {}, "context": object()}
    plain, traced = HookRunner(), TracedRunner(spans)

    def off() -> Awaitable[Any]:
        return plain.call(hook, arguments, limit_s=LIMIT_S)

    async def recorded() -> None:
        await traced.call(hook, arguments, limit_s=LIMIT_S)

    async def left_out() -> None:
        with spans.within(None):
            await traced.call(hook, arguments, limit_s=LIMIT_S)

    async def delivery() -> None:
        with spans.span("POST /webhooks/supabase", "server"):
            event = spans.announce("order.created", FACTS)
        whole = spans.start("deliver async", "consumer", parent=event, attributes=FACTS)
        with spans.within(whole), spans.span("async handle_event"), spans.span("POST", "client", attributes=FACTS):
            pass
        spans.start("settle", parent=whole).end()
        whole.end()

    try:
        pairs = [(await _us(off), await _us(left_out), await _us(recorded)) for _ in range(rounds)]
        of_delivery = [await _us(delivery) for _ in range(rounds)]
    finally:
        await plain.aclose()
        await traced.aclose()
        provider.shutdown()
    without = [one for one, _, _ in pairs]
    return [
        compared("trace.hook.left_out", "us/call", [one for _, one, _ in pairs], without),
        compared("trace.hook.recorded", "us/call", [one for _, _, one in pairs], without),
        alone("trace.delivery.recorded", "us/delivery", of_delivery),
        alone("trace.asked", "ns", [_looks_ns() for _ in range(rounds)]),
    ]


async def _us(call: Callable[[], Awaitable[Any]]) -> float:
    began_s = perf_counter()
    for _ in range(CALLS):
        await call()
    return (perf_counter() - began_s) / CALLS * 1_000_000


def _looks_ns() -> float:
    """Return what a look costs, over a loop that does nothing."""
    began_s = perf_counter()
    for _ in range(LOOKS):
        pass
    idle_s, began_s = perf_counter() - began_s, perf_counter()
    for _ in range(LOOKS):
        if tracing.active is not None:
            raise RuntimeError("this process traces")
    return (perf_counter() - began_s - idle_s) / LOOKS * 1_000_000_000
