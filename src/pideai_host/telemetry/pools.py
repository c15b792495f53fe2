"""What connection pools say of themselves, read when the metrics are."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pideai_host.telemetry.metrics import (
    POOL_CONNECTIONS,
    POOL_IDLE,
    POOL_MAX,
    POOL_WAIT_SECONDS,
    POOL_WAITING,
    POOL_WAITS,
)


class Measured(Protocol):
    """A pool that counts."""

    @property
    def name(self) -> str:
        """What the pool is called."""

    def get_stats(self) -> Mapping[str, int]:
        """Return psycopg_pool's counters."""


def note_pools(pools: Sequence[Measured]) -> None:
    """Note how many connections pools have and use, who waits for one, and for how long all have waited."""
    for pool in pools:
        stats = pool.get_stats()
        POOL_CONNECTIONS.labels(pool=pool.name).set(stats.get("pool_size", 0))
        POOL_IDLE.labels(pool=pool.name).set(stats.get("pool_available", 0))
        POOL_MAX.labels(pool=pool.name).set(stats.get("pool_max", 0))
        POOL_WAITING.labels(pool=pool.name).set(stats.get("requests_waiting", 0))
        POOL_WAITS.labels(pool=pool.name).set(stats.get("requests_queued", 0))
        POOL_WAIT_SECONDS.labels(pool=pool.name).set(stats.get("requests_wait_ms", 0) / 1_000)
