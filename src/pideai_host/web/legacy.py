"""Tokens of projects that still sign with HS256, each way only when the operator asks for it (docs/adr/0030).

Such a token can be forged by everybody who can check it, so its secret is never part of the keys that tokens name, and
no token chooses this way against the operator's word: `Verifier` comes here for HS256 alone, and only if configured.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from pideai_host.supabase import AuthServerAway, FoundUser
from pideai_host.telemetry import get_logger
from pideai_host.web.claims import TokenInvalid, decode
from pideai_host.web.remembered import Remembered

ALGORITHM: Final = "HS256"

FRESH_S: Final = 30.0
"""For how long the auth server's word on a token holds."""
STALE_MAX_S: Final = 300.0
"""For how long a yes holds while the auth server is away."""
GOOD_MAX: Final = 10_000
BAD_MAX: Final = 1_000
LOOKUPS_AT_ONCE: Final = 8
LOOKUPS_WAITING_MAX: Final = 64
LOOKUP_LIMIT_S: Final = 5.0

_log: Final = get_logger(__name__)

FindUser = Callable[[str], Awaitable[FoundUser | None]]


class LegacyTokens(Protocol):
    """A way to judge tokens that name no key."""

    async def claims(self, token: str, *, issuer: str, audience: str) -> dict[str, Any]:
        """Return the claims of a good token.

        Raises:
            TokenInvalid: it is none; TokenExpired when only its time is over.
        """


class SharedSecret:
    """Judges by the project's JWT secret, which whoever holds can forge with.

    Args:
        secret: As the dashboard shows it.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    async def claims(self, token: str, *, issuer: str, audience: str) -> dict[str, Any]:
        """Check signature and claims."""
        return decode(token, self._secret, algorithm=ALGORITHM, issuer=issuer, audience=audience)


class UserLookup:
    """Judges by asking the auth server, which also knows of sessions that ended and of users who are banned.

    What a token says of itself is looked at first, so that most of what is wrong costs no request. The same token is
    asked for once at a time and once in `FRESH_S`; `LOOKUPS_AT_ONCE` requests go out together and `LOOKUPS_WAITING_MAX`
    tokens are judged at all at one time, the others are to come again. An outage keeps good tokens working for
    `STALE_MAX_S`. Tokens are remembered by their hashes.

    Args:
        find_user: Asks the auth server.
        monotonic: Clock in seconds.
    """

    def __init__(self, find_user: FindUser, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._find_user = find_user
        self._monotonic = monotonic
        self._good = Remembered[bytes, tuple[float, FoundUser]](for_s=STALE_MAX_S, most=GOOD_MAX, monotonic=monotonic)
        self._bad = Remembered[bytes, bool](for_s=FRESH_S, most=BAD_MAX, monotonic=monotonic)
        self._flights: dict[bytes, asyncio.Task[FoundUser | None]] = {}
        self._room = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def claims(self, token: str, *, issuer: str, audience: str) -> dict[str, Any]:
        """Check the claims, then ask for the signature and the session."""
        claims = decode(token, None, algorithm=ALGORITHM, issuer=issuer, audience=audience)
        user = await self._user(token)
        if user is None or user.id != claims["sub"]:
            raise TokenInvalid("the auth server does not accept the token", hint="Sign in again.")
        return {**claims, "is_anonymous": True} if user.is_anonymous else claims

    async def _user(self, token: str) -> FoundUser | None:
        digest = hashlib.sha256(token.encode()).digest()
        if self._bad.get(digest):
            return None
        good = self._good.get(digest)
        if good is not None and self._monotonic() < good[0]:
            return good[1]
        try:
            return await self._look_up(digest, token)
        except AuthServerAway as away:
            if good is None:
                raise
            _log.warning("token_look_up_failed", reason=away.message, serving_last=True)
            return good[1]

    async def _look_up(self, digest: bytes, token: str) -> FoundUser | None:
        flight = self._flights.get(digest)
        if flight is None:
            if len(self._flights) >= LOOKUPS_WAITING_MAX:
                raise AuthServerAway("too many tokens wait to be judged", hint="Try again in a few seconds.")
            flight = self._flights[digest] = asyncio.create_task(self._ask(digest, token), name="token look-up")
            flight.add_done_callback(lambda flight: self._land(digest, flight))
        # shielded: the one who asked may go away, the others still wait
        return await asyncio.shield(flight)

    def _land(self, digest: bytes, flight: asyncio.Task[FoundUser | None]) -> None:
        self._flights.pop(digest, None)
        if not flight.cancelled():
            flight.exception()  # whoever asked may be gone: then nobody else looks at it

    async def stop(self) -> None:
        """End the look-ups that are under way. Idempotent."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _ask(self, digest: bytes, token: str) -> FoundUser | None:
        try:
            async with asyncio.timeout(LOOKUP_LIMIT_S), self._room:
                user = await self._find_user(token)
        except TimeoutError:
            raise AuthServerAway(f"the auth server did not answer within {LOOKUP_LIMIT_S:g} s") from None
        if user is None:
            self._bad.keep(digest, answer=True)
            self._good.forget(digest)
        else:
            self._good.keep(digest, (self._monotonic() + FRESH_S, user))
        return user
