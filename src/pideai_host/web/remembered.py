"""Answers of the database that are kept for a few seconds: bounded, and gone by themselves."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class Remembered(Generic[Key, Answer]):
    """Keeps answers for a time, and forgets the oldest when there are too many.

    Args:
        for_s: How long.
        most: How many.
        monotonic: Clock in seconds.
    """

    def __init__(self, *, for_s: float, most: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._for_s = for_s
        self._most = most
        self._monotonic = monotonic
        self._answers: dict[Key, tuple[float, Answer]] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Key) -> Answer | None:
        """Return the answer, None when there is none that is young enough."""
        found = self._answers.get(key)
        return found[1] if found is not None and self._monotonic() < found[0] else None

    def keep(self, key: Key, answer: Answer, *, for_s: float | None = None) -> None:
        """Keep an answer; `for_s` says how long if not as long as others."""
        self._answers.pop(key, None)  # to the end of the line: the first one in it is the oldest
        while len(self._answers) >= self._most:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = (self._monotonic() + (self._for_s if for_s is None else for_s), answer)

    def forget(self, key: Key) -> None:
        """Forget an answer, if there is one."""
        self._answers.pop(key, None)
