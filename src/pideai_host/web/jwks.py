"""The signing keys of the Supabase project, kept at hand so that no request waits for them.

PyJWT's own client blocks the event loop, asks again for every unknown key id, and forgets all keys while the server is
away (supabase.md 1.5). This one is asynchronous and bounded: a key id is only a dictionary key, one request at a time
goes out, and what was loaded last stays good until a newer set arrives, or until it is so old that a key which was
revoked meanwhile would be trusted for too long.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
import jwt
import msgspec

from pideai_host.api.errors import PideaiError
from pideai_host.telemetry import JWKS_LOADED_AT, JWKS_REFRESHES, get_logger

REFRESH_S: Final = 300.0
"""Supabase asks for at most 10 minutes."""
RETRY_S: Final = 10.0
STALE_MAX_S: Final = 21_600.0
"""For how long the last good set serves while no newer one can be had, unless the operator says otherwise."""
UNKNOWN_KEY_GAP_S: Final = 30.0
NEEDED_LOAD_GAP_S: Final = 2.0
FETCH_TIMEOUT_S: Final = 5.0
DOCUMENT_MAX_BYTES: Final = 65_536
KEYS_MAX: Final = 32
KID_MAX_CHARS: Final = 256
RSA_MIN_BITS: Final = 2_048
RSA_MAX_BITS: Final = 8_192
UNKNOWN_KIDS_MAX: Final = 1_024

_PUBLIC_PARTS: Final = ("kty", "crv", "x", "y", "n", "e")

_log: Final = get_logger(__name__)


class KeysUnavailable(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """No key set was ever loaded, or the last one is too old, so that no token can be judged."""

    code = "keys_unavailable"


class _Unusable(Exception):  # noqa: N818 - never leaves this module
    """The answer is not a key set."""


class _Document(msgspec.Struct):
    keys: list[dict[str, Any]]


class JwksCache:
    """The last good key set, refreshed in the background.

    Unknown key ids cause at most one request per `UNKNOWN_KEY_GAP_S` in all, however many come and from whomever;
    those that stay unknown are remembered. An outage keeps the last set in service for `stale_max_s`. Safe to use from
    many tasks.

    Args:
        http: Client of the host; the cache follows no redirects and bounds size and time itself.
        url: Where the set is, ``…/auth/v1/.well-known/jwks.json``.
        stale_max_s: Age at which a set that could not be refreshed is trusted no longer.
        monotonic: Clock in seconds.
        sleep: Waits between two refreshes.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        *,
        stale_max_s: float = STALE_MAX_S,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._url = url
        self._stale_max_s = stale_max_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._keys: dict[str, jwt.PyJWK] = {}
        self._loaded_at: float | None = None
        self._flight: asyncio.Task[bool] | None = None
        self._loop: asyncio.Task[None] | None = None
        self._load_needed_after = -float("inf")
        self._ask_again_after = -float("inf")
        self._unknown: dict[str, float] = {}

    @property
    def age_s(self) -> float | None:
        """How old the key set is, None if there never was one."""
        return None if self._loaded_at is None else self._monotonic() - self._loaded_at

    @property
    def is_usable(self) -> bool:
        """Whether there is a key set that tokens can be judged by."""
        age_s = self.age_s
        return age_s is not None and age_s <= self._stale_max_s

    def start(self) -> None:
        """Load the set and keep it fresh in the background; a failure is logged and tried again."""
        if self._loop is None:
            self._loop = asyncio.create_task(self._keep_fresh(), name="jwks")

    async def stop(self) -> None:
        """End the background work. Idempotent."""
        tasks = [task for task in (self._loop, self._flight) if task is not None]
        self._loop = self._flight = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """Return the key of this id, None if the project has none such.

        Raises:
            KeysUnavailable: no set was ever loaded, or the last one is too old.
        """
        if not self.is_usable:
            await self._load_needed()
        elif kid in self._keys:
            return self._keys[kid]
        elif self._may_ask_again(kid) and await self.refresh() and kid not in self._keys:
            self._remember_unknown(kid)
        return self._keys.get(kid)

    async def refresh(self) -> bool:
        """Load the set now, or wait for the load that is under way; tell whether it succeeded. Never raises."""
        if self._flight is None:
            self._flight = asyncio.create_task(self._fetch_and_keep(), name="jwks fetch")
            self._flight.add_done_callback(self._land)
        # shielded: the one who asked may go away, the others still wait
        return await asyncio.shield(self._flight)

    def _land(self, flight: asyncio.Task[bool]) -> None:
        if self._flight is flight:
            self._flight = None

    async def _keep_fresh(self) -> None:
        while True:
            succeeded = await self.refresh()
            await self._sleep(REFRESH_S if succeeded else RETRY_S)

    async def _load_needed(self) -> None:
        now = self._monotonic()
        if self._flight is not None or now >= self._load_needed_after:
            self._load_needed_after = now + NEEDED_LOAD_GAP_S
            await self.refresh()
        if not self.is_usable:
            lately = "yet" if self._loaded_at is None else f"for {self._stale_max_s:g} s"
            raise KeysUnavailable(
                f"the signing keys of the Supabase project could not be loaded {lately}",
                hint="Try again in a few seconds.",
            )

    def _may_ask_again(self, kid: str) -> bool:
        if self._flight is not None:
            return True
        now = self._monotonic()
        if now < self._ask_again_after or now < self._unknown.get(kid, now):
            return False
        self._ask_again_after = now + UNKNOWN_KEY_GAP_S
        return True

    def _remember_unknown(self, kid: str) -> None:
        # the background refresh brings a key that appears later, so this cannot lock a good one out
        while len(self._unknown) >= UNKNOWN_KIDS_MAX:
            del self._unknown[next(iter(self._unknown))]
        self._unknown[kid] = self._monotonic() + REFRESH_S

    async def _fetch_and_keep(self) -> bool:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                keys = parse_key_set(await self._fetch())
        except (httpx.HTTPError, httpx.InvalidURL, OSError, PideaiError, _Unusable) as error:
            JWKS_REFRESHES.labels("failed").inc()
            reason, age_s = str(error) or type(error).__name__, self.age_s
            _log.warning(
                "jwks_refresh_failed", reason=reason, serving_last=self.is_usable, age_s=age_s and round(age_s)
            )
            return False

        if not keys:
            _log.warning("jwks_empty", hint="The project has no ES256 or RS256 signing key: no user can sign in here.")
        self._keys = keys
        self._loaded_at = self._monotonic()
        JWKS_REFRESHES.labels("loaded").inc()
        JWKS_LOADED_AT.set_to_current_time()
        return True

    async def _fetch(self) -> bytes:
        headers = {"accept": "application/json"}
        async with self._http.stream("GET", self._url, headers=headers, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                raise _Unusable(f"status {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > DOCUMENT_MAX_BYTES:
                    raise _Unusable(f"more than {DOCUMENT_MAX_BYTES} bytes")
            return bytes(body)


def parse_key_set(body: bytes) -> dict[str, jwt.PyJWK]:
    """Return the usable keys of a JWKS by their ids: public ES256 and RS256 keys for signatures, at most `KEYS_MAX`.

    Raises:
        _Unusable: it is not a JWKS at all.
    """
    try:
        document = msgspec.json.decode(body, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _Unusable(f"not a JWKS: {error}") from error

    keys = {}
    for data in document.keys[:KEYS_MAX]:
        key = _usable(data)
        if key is None:
            _log.info("jwks_key_ignored", kid=str(data.get("kid"))[:KID_MAX_CHARS], kty=str(data.get("kty"))[:16])
        else:
            keys[data["kid"]] = key
    return keys


def _usable(data: dict[str, Any]) -> jwt.PyJWK | None:
    kid = data.get("kid")
    algorithm = _algorithm(data)
    if not isinstance(kid, str) or not 0 < len(kid) <= KID_MAX_CHARS or algorithm is None:
        return None

    public = {name: data[name] for name in _PUBLIC_PARTS if isinstance(data.get(name), str)}
    try:
        key = jwt.PyJWK(public, algorithm)
    except jwt.PyJWTError:
        return None  # one unusable key must not hide the others; the caller logs it
    if algorithm == "RS256" and not RSA_MIN_BITS <= key.key.key_size <= RSA_MAX_BITS:
        return None
    return key


def _algorithm(data: dict[str, Any]) -> str | None:
    """Derive the one algorithm of a key; a key that names another, or is not for signatures, has none.

    Symmetric keys have none: in a public document they would let every reader of it forge tokens.
    """
    kind = (data.get("kty"), data.get("crv"))
    algorithm = "ES256" if kind == ("EC", "P-256") else "RS256" if kind == ("RSA", None) else None
    if data.get("alg", algorithm) != algorithm or data.get("use", "sig") != "sig":
        return None
    return algorithm
