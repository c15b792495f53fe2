"""How many requests a user and a store may make, counted over all processes without a write for each (docs/adr/0033).

A process spends a small free share of each minute unasked. Who wants more has it take a slice of the minute from the
database, in one statement, to be spent here; with nothing left there, the minute is over for that user or store, and
nobody is asked again until the next one begins.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Final, Literal, cast
from uuid import UUID

import psycopg
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from psycopg_pool import PoolClosed, PoolTimeout

from pideai_host.api import PideaiError
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.telemetry import REQUESTS_LIMITED, get_logger
from pideai_host.web.state import host_state

Kind = Literal["user", "store"]
WINDOW_S: Final = 60
FREE_PART: Final = 60
"""A process spends one in so many of the limit before it asks."""
SLICE_PART: Final = 20
"""A process takes one in so many of the limit at once."""
ANSWER_S: Final = 2.0
"""How long the database may take for a slice; after that it counts as away."""
SHARES_MAX: Final = 20_000
"""Users and stores that a process knows the share of."""

_STANDINGS: Final = "pideai_limits"
_TAKE: Final = query(load("pideai_host.web", "sql/take_slice.sql"))
_AWAY: Final = (psycopg.Error, PoolTimeout, PoolClosed, OSError, TimeoutError)
_log: Final = get_logger(__name__)


class RateLimited(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """The user or the store has made as many requests in this minute as may be."""

    code = "too_many_requests"

    def __init__(self, kind: Kind, limit: int, retry_after_s: float) -> None:
        self.retry_after_s = max(1, math.ceil(retry_after_s))
        super().__init__(
            f"more than {limit} requests in a minute of this {kind}", hint=f"Go on in {self.retry_after_s} s."
        )


class _Share:
    """What this process may still spend for one user or store in the window that runs."""

    __slots__ = ("blind", "is_over", "left", "lock", "owed", "rest", "until")

    def __init__(self, limit: int, until: float) -> None:
        self.left = max(1, limit // FREE_PART)
        self.owed = self.left  # spent without the database's knowledge, to be told with the first slice
        self.rest = limit - self.left  # what was not taken by anybody, as far as known here
        self.blind = self.left  # given out while the database does not know
        self.until = until
        self.is_over = False
        self.lock = asyncio.Lock()


class RequestLimits:
    """Counts requests.

    Args:
        pool: Runtime connections.
        per_user: Requests in a minute of one user; 0 for as many as they like.
        per_store: Of all users, below one store; 0 likewise.
        monotonic: Clock in seconds.
    """

    def __init__(
        self, pool: Pool, *, per_user: int, per_store: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._limits: Mapping[Kind, int] = {"user": per_user, "store": per_store}
        self._monotonic = monotonic
        self._shares: dict[tuple[Kind, UUID], _Share] = {}

    async def spend(self, kind: Kind, subject: UUID, scope: Scope) -> None:
        """Count a request, once however often it is asked, and leave word of what is left for `add_limits`.

        While the database is away, each process lets as many pass as it would alone.

        Raises:
            RateLimited: it is one too many.
        """
        limit = self._limits[kind]
        standings = scope["state"].setdefault(_STANDINGS, {})
        if not limit or kind in standings:
            return
        while True:
            share = self._share((kind, subject), limit)
            if share.left:
                share.left -= 1
                standings[kind] = (limit, share.left + share.rest, share.until - self._monotonic())
                return
            if share.is_over:
                left_s = share.until - self._monotonic()
                standings[kind] = (limit, 0, left_s)
                REQUESTS_LIMITED.labels(kind=kind).inc()
                raise RateLimited(kind, limit, left_s)
            async with share.lock:
                await self._take(kind, subject, share, limit)

    def _share(self, key: tuple[Kind, UUID], limit: int) -> _Share:
        now = self._monotonic()
        share = self._shares.get(key)
        if share is None or now >= share.until:
            self._shares.pop(key, None)  # to the end of the line: the first one in it is the oldest
            while len(self._shares) >= SHARES_MAX:
                del self._shares[next(iter(self._shares))]
            share = self._shares[key] = _Share(limit, now + WINDOW_S)
        return share

    async def _take(self, kind: Kind, subject: UUID, share: _Share, limit: int) -> None:
        """Get a slice, unless whoever had the lock before did: its numbers follow from what all have taken with it."""
        if share.left or share.is_over:
            return
        size = max(1, limit // SLICE_PART)
        values = {"kind": kind, "id": subject, "spend": share.owed + size, "window_s": WINDOW_S}
        try:
            async with asyncio.timeout(ANSWER_S), self._pool.connection(timeout=ANSWER_S) as connection:
                row = await (await connection.execute(_TAKE, values)).fetchone()
            spent, left_s = cast("tuple[int, float]", row)
        except _AWAY as error:
            _log.warning("request_limits_blind", kind=kind, error=type(error).__name__)
            share.left = max(0, min(size, limit - share.blind))
            share.blind += share.left
            share.owed += share.left
            share.rest = limit - share.blind
        else:
            share.left = max(0, min(size, limit - (spent - size)))
            share.owed = 0
            share.rest = max(0, limit - spent)
            share.until = self._monotonic() + left_s
        share.is_over = not share.left


class SpendRequests(ASGIMiddleware):
    """Counts the request against its user; below `Authentication` only."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Go on if the user may."""
        limits = host_state(scope).limits
        if limits is not None:
            await limits.spend("user", scope["user"].id, scope)
        await next_app(scope, receive, send)


async def add_limits(message: Message, scope: Scope) -> None:
    """Say on a counted request's answer what is left; to be registered as `before_send`."""
    if message["type"] != "http.response.start":
        return
    standings = cast("dict[str, tuple[int, int, float]] | None", scope["state"].get(_STANDINGS))
    if not standings:
        return
    told = [(f'"{kind}"', *standing) for kind, standing in standings.items()]
    policy = ", ".join(f"{name};q={limit};w={WINDOW_S}" for name, limit, _, _ in told)
    left = ", ".join(f"{name};r={left};t={max(0, math.ceil(left_s))}" for name, _, left, left_s in told)
    message["headers"] = [
        *message["headers"],
        (b"ratelimit-policy", policy.encode()),
        (b"ratelimit", left.encode()),
    ]
