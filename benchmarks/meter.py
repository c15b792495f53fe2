"""What a stretch of work costs: CPU of the processes that do it, CPU of PostgreSQL, write-ahead log."""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks.figures import Figure, compared
from benchmarks.machine import cpu_s
from benchmarks.places import scalar


class Spent(msgspec.Struct, frozen=True):
    """What was spent until some moment, or between two of them, or on one of many.

    Attributes:
        processes_us: CPU of the processes under measurement and of all below them.
        postgres_us: CPU of the server with all its backends and background processes.
        wal_bytes: Written to the write-ahead log, by anybody.
    """

    processes_us: float
    postgres_us: float
    wal_bytes: float

    @property
    def cpu_us(self) -> float:
        """CPU of both."""
        return self.processes_us + self.postgres_us

    def since(self, before: "Spent") -> "Spent":
        """Return what was spent after an earlier moment."""
        return Spent(
            self.processes_us - before.processes_us,
            self.postgres_us - before.postgres_us,
            self.wal_bytes - before.wal_bytes,
        )

    def each(self, count: int) -> "Spent":
        """Return the share of one of so many."""
        return Spent(self.processes_us / count, self.postgres_us / count, self.wal_bytes / count)


class Meter:
    """Reads what was spent so far.

    Args:
        connection: To the server; of any database, since its log is one.
        postgres_pid: The server's.
        pids: The processes under measurement.
    """

    def __init__(self, connection: AsyncConnection[TupleRow], postgres_pid: int, *pids: int) -> None:
        self._connection = connection
        self._postgres_pid = postgres_pid
        self._pids = pids

    async def read(self) -> Spent:
        """Read all three."""
        wal_bytes = await scalar(self._connection, "select pg_current_wal_lsn() - '0/0'")
        return Spent(cpu_s(*self._pids) * 1_000_000, cpu_s(self._postgres_pid) * 1_000_000, float(wal_bytes))


def spent_figures(name: str, what: str, ours: Sequence[Spent], theirs: Sequence[Spent]) -> list[Figure]:
    """Report what one event or delivery (`what`) took, ours beside theirs; one figure for each kind of cost."""

    def figure(suffix: str, unit: str, field: str) -> Figure:
        mine, other = ([getattr(one, field) for one in side] for side in (ours, theirs))
        return compared(f"{name}.{suffix}", f"{unit}/{what}", mine, other)

    return [
        figure("cpu", "us", "cpu_us"),
        figure("cpu.processes", "us", "processes_us"),
        figure("cpu.postgres", "us", "postgres_us"),
        figure("wal", "bytes", "wal_bytes"),
    ]
