"""The metrics of one process. Labels take few values each: slugs, types and reasons, never ids."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

# a series more for each counter, which nobody asks for
disable_created_metrics()  # type: ignore[no-untyped-call] # it has no annotations
REGISTRY = CollectorRegistry(auto_describe=True)

EVENTS_ACCEPTED = Counter(
    "pideai_events_accepted", "Events kept for the first time, after the commit", ["door"], registry=REGISTRY
)
DELIVERIES_SETTLED = Counter(
    "pideai_deliveries_settled", "Outcomes written to the delivery log", ["plugin", "outcome"], registry=REGISTRY
)
REPLAYED = Counter(
    "pideai_deliveries_replayed", "Deliveries that ranges of replays put into lanes again", registry=REGISTRY
)
QUARANTINED = Counter(
    "pideai_quarantined", "Bodies kept aside because they were not understood", ["reason"], registry=REGISTRY
)
BREAKER_TRANSITIONS = Counter(
    "pideai_breaker_transitions",
    "Breakers of installations that opened or closed",
    ["plugin", "phase"],
    registry=REGISTRY,
)
LOOP_BLOCKS = Counter(
    "pideai_loop_blocks", "Times that a plugin's hook blocked the event loop", ["plugin"], registry=REGISTRY
)
PLUGINS_QUARANTINED = Gauge(
    "pideai_plugins_quarantined", "1 for a plugin that this process does no work for", ["plugin"], registry=REGISTRY
)
CALLS_STUCK = Gauge(
    "pideai_calls_stuck",
    "Calls of a plugin that hang past their limit now and cannot be ended",
    ["plugin"],
    registry=REGISTRY,
)
CALLS_LEFT_BEHIND = Counter(
    "pideai_calls_left_behind",
    "Calls of a plugin that did not end when their time was over",
    ["plugin"],
    registry=REGISTRY,
)
TASKS_LEFT = Gauge("pideai_tasks_left", "Tasks that hooks of a plugin left running now", ["plugin"], registry=REGISTRY)
JWKS_REFRESHES = Counter(
    "pideai_jwks_refreshes",
    "Requests for the project's signing keys, by what came of them",
    ["result"],
    registry=REGISTRY,
)
JWKS_LOADED_AT = Gauge(
    "pideai_jwks_loaded_at_seconds", "When the signing keys were last loaded, in Unix time", registry=REGISTRY
)
DELIVERIES_CLAIMED = Counter(
    "pideai_deliveries_claimed",
    "Deliveries that workers took from lanes, again after a crash included",
    registry=REGISTRY,
)
HTTP_REQUESTS = Counter(
    "pideai_http_requests",
    "Answers to HTTP requests, by the route's template; none where there is none",
    ["method", "route", "status"],
    registry=REGISTRY,
)
HTTP_SECONDS = Histogram(
    "pideai_http_seconds",
    "Time until an answer began, by the route's template; streams count as any other",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
    registry=REGISTRY,
)
HTTP_IN_FLIGHT = Gauge(
    "pideai_http_in_flight", "Requests that have no answer yet, by the route's template", ["route"], registry=REGISTRY
)
DELIVERY_SECONDS = Histogram(
    "pideai_delivery_seconds",
    "Time from an event, or from its replay, to the end of a delivery: what it waited, was tried again and took",
    ["plugin", "status"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400),
    registry=REGISTRY,
)
BREAKERS_OPEN = Gauge(
    "pideai_breakers_open", "Breakers that are not closed, as the leading process saw it", ["plugin"], registry=REGISTRY
)
POOL_CONNECTIONS = Gauge("pideai_pool_connections", "Database connections of a pool", ["pool"], registry=REGISTRY)
POOL_IDLE = Gauge(
    "pideai_pool_idle", "Database connections of a pool that nobody uses now", ["pool"], registry=REGISTRY
)
POOL_MAX = Gauge("pideai_pool_max", "Database connections of a pool at most", ["pool"], registry=REGISTRY)
POOL_WAITING = Gauge("pideai_pool_waiting", "Who waits for a connection now", ["pool"], registry=REGISTRY)
POOL_WAITS = Gauge("pideai_pool_waits", "How often somebody had to wait for a connection", ["pool"], registry=REGISTRY)
POOL_WAIT_SECONDS = Gauge(
    "pideai_pool_wait_seconds", "How long all together have waited for a connection", ["pool"], registry=REGISTRY
)
CONFIGS_WAITING = Gauge(
    "pideai_configs_waiting",
    "Configurations that are older (outdated) or newer than their plugin's code, as the leading process saw it",
    ["plugin", "status"],
    registry=REGISTRY,
)
LANE_READY = Gauge(
    "pideai_lane_ready",
    "Messages of a lane that may be claimed, as the leading process saw it",
    ["lane"],
    registry=REGISTRY,
)
LANE_CLAIMED = Gauge(
    "pideai_lane_claimed",
    "Messages of a lane that a worker has, as the leading process saw it",
    ["lane"],
    registry=REGISTRY,
)
LANE_OLDEST_SECONDS = Gauge(
    "pideai_lane_oldest_seconds",
    "Age of a lane's oldest message that may be claimed, as the leading process saw it",
    ["lane"],
    registry=REGISTRY,
)
REQUESTS_LIMITED = Counter(
    "pideai_requests_limited",
    "Requests refused because their user or store had made too many",
    ["kind"],
    registry=REGISTRY,
)
PROVIDER_CALLS = Counter(
    "pideai_provider_calls",
    "Providers' calls that a plugin was there for: taken (2xx), refused by the plugin, or failed (sent again)",
    ["plugin", "result"],
    registry=REGISTRY,
)
PLUGIN_JOBS = Counter(
    "pideai_plugin_jobs",
    "Turns of plugins' jobs that ended: ok, failed or timeout",
    ["plugin", "job", "outcome"],
    registry=REGISTRY,
)
STREAMS_OPEN = Gauge("pideai_streams_open", "Live streams that are open", registry=REGISTRY)
STREAMS_DROPPED = Counter(
    "pideai_streams_dropped", "Live streams that were ended since their client read too slowly", registry=REGISTRY
)
SPANS_EXPORTED = Counter(
    "pideai_spans_exported", "Spans sent to the collector of traces: taken, or lost", ["result"], registry=REGISTRY
)
JOBS = Counter(
    "pideai_jobs",
    "Times that the leading process ran a job of the scheduler, by what came of it: done or failed",
    ["job", "result"],
    registry=REGISTRY,
)
OUTCOMES_UNWRITTEN = Gauge(
    "pideai_outcomes_unwritten",
    "Outcomes of calls that the database would not take yet; while there are new ones no more is claimed",
    registry=REGISTRY,
)
HOOK_SECONDS = Histogram(
    "pideai_hook_seconds",
    "Time that a plugin's hook took, whatever came of it",
    ["plugin"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)


_PROCESS = CollectorRegistry()
"""Memory, CPU and open files as the system counts them; there where it is Linux, so not among our own."""
ProcessCollector(registry=_PROCESS)


def exposition() -> bytes:
    """Write all metrics in Prometheus' text format, version 0.0.4, and those of the process itself."""
    return generate_latest(REGISTRY) + generate_latest(_PROCESS)
