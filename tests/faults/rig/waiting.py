"""Waiting for a condition, within bounds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE_S = 45.0


async def wait_until(condition: Callable[[], Awaitable[Any]], *, limit_s: float = PATIENCE_S) -> Any:
    """Wait until a condition holds and return what it returned."""
    async with asyncio.timeout(limit_s):
        while True:
            found = await condition()
            if found:
                return found
            await asyncio.sleep(0.05)
