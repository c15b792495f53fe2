"""Workers that die: whatever they use counts their steps, and ends them at a chosen one."""

import asyncio
from collections.abc import Collection
from typing import Any


class Died(BaseException):
    """The worker is gone."""


class Fate:
    """Counts steps, each twice, and ends whoever takes one of the chosen: before it, or after it."""

    def __init__(self, deaths: Collection[int] = ()) -> None:
        self.deaths = deaths
        self.step = 0

    def passes(self) -> None:
        self.step += 1
        if self.step in self.deaths:
            raise Died

    def around(self, part: Any) -> "Watched":
        return Watched(part, self)


class Watched:
    """Something whose calls are steps."""

    def __init__(self, part: Any, fate: Fate) -> None:
        self._part = part
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._fate.passes()
            answer = await found(*args, **kwargs)
            self._fate.passes()
            return answer

        return call
