"""The loop that workers run on, for what is measured without a process of its own."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

Measured = TypeVar("Measured")


async def on_workers_loop(measured: Coroutine[Any, Any, Measured]) -> Measured:
    """Run a measurement on a loop of workers' kind, in a thread beside this one; raises what it raises."""
    return await asyncio.to_thread(uvloop.run, measured)
