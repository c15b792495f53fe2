"""Whether a request has left and nobody knows what became of it: what tells outcome `unknown` from `retry`.

    with track_requests() as trace:
        await hook(...)            # may be cancelled or raise
    if trace.in_flight: ...        # it may have had its effect

Everything that runs inside the block counts, tasks that it starts included; blocks may run side by side and nest (the
inner one counts). GET, HEAD and OPTIONS do not count, since they have no effect to be unsure about.
"""

from contextvars import ContextVar
from typing import Self

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class RequestTrace:
    """What `track_requests` watches, for one block."""

    __slots__ = ("_before", "unanswered")

    def __init__(self) -> None:
        self.unanswered = 0

    def __enter__(self) -> Self:
        self._before = _trace.set(self)
        return self

    def __exit__(self, *failure: object) -> None:
        _trace.reset(self._before)

    @property
    def in_flight(self) -> bool:
        """Some request has left and no answer came for it, not yet or never (a time-out, a lost connection).

        An answer counts when all of it is read; for a streamed one, when its status is known to the caller.
        """
        return self.unanswered > 0


class Exchange:
    """One request on its way, as the transport knows it."""

    __slots__ = ("_trace", "left")

    def __init__(self, method: str) -> None:
        self.left = False
        self._trace = None if method in _SAFE_METHODS else _trace.get()

    def leave(self) -> None:
        """Say that a connection is there, so that from now on bytes may be out."""
        if not self.left and self._trace is not None:
            self._trace.unanswered += 1
        self.left = True

    def answered(self) -> None:
        """Say that the answer is there."""
        if self._trace is not None:
            self._trace.unanswered -= 1
            self._trace = None


_trace: ContextVar[RequestTrace | None] = ContextVar("pideai_request_trace", default=None)


def track_requests() -> RequestTrace:
    """Watch the requests of `context.http` that are made inside the block; read the trace inside or after it."""
    return RequestTrace()
