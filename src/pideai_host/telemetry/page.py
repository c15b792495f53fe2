"""docs/metrics.md, written from the registry: `python -m pideai_host.telemetry.page > docs/metrics.md`."""

from prometheus_client import CollectorRegistry

from pideai_host.telemetry.metrics import REGISTRY

_HEAD = """# Metrics

`GET /metrics` has them in Prometheus' text format. Send one of `PIDEAI_METRICS_TOKEN` as a bearer token; where none is
set, only requests straight from this machine are answered, all others get 404. Each process tells of itself, so scrape
every one of them, workers at their `PIDEAI_WORKER_PORT`; what belongs to the whole host (lanes, breakers) is told by
the worker that leads the scheduler. Labels take few values each: slugs, types, reasons and routes, never ids. Beside
these there are `process_*`, memory, CPU and open files, where the system tells them. What to be woken for:
[operations.md](operations.md). This page is written by `make metrics`.

| metric | type | labels | meaning |
|---|---|---|---|
"""


def page(registry: CollectorRegistry = REGISTRY) -> str:
    """Write the page."""
    lines = []
    for metric in sorted(registry.collect(), key=lambda one: one.name):
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        labels = ", ".join(f"`{label}`" for label in _labels(registry, metric.name))
        lines.append(f"| `{name}` | {metric.type} | {labels} | {metric.documentation} |\n")
    return _HEAD + "".join(lines)


def _labels(registry: CollectorRegistry, name: str) -> tuple[str, ...]:
    collector = registry._names_to_collectors[name]  # noqa: SLF001 - labels of what was never observed are told nowhere else
    return tuple(getattr(collector, "_labelnames", ()))


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - it is what this is for
