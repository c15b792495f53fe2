"""Python's cyclic garbage collector, set for a process that serves.

By default it looks at its youngest objects every 700 allocations and, as those of a batch of requests are alive for
as long as they wait for the database or a receiver, it soon walks through everything that was ever imported. That took
40 % of a worker's CPU and held requests up for 100 ms at a time. What requests leave behind is freed by reference
counts; only cycles wait longer now. At a start it looks through what was imported so far while more is imported, which
took a tenth of it.
"""

import gc
from typing import Final

YOUNGEST: Final = 50_000
"""Objects made, and not freed, before the collector looks."""

OLDER: Final = 50
"""Looks at one generation before the next older one is looked at as well."""


def set_collector_for_serving() -> None:
    """Make the collector of this process look seldom. Idempotent; for the start of a process, never of a library."""
    gc.set_threshold(YOUNGEST, OLDER, OLDER)
